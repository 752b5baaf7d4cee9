//! Requests, as SOAP wants them.
//!
//! Elements come in the order of the published schema; Exchange refuses any other.

use quick_xml::escape::escape;

use super::folders::DISTINGUISHED;

/// Changes of one folder in one answer; the schema allows no more.
const CHANGES: u32 = 512;

/// How long a stream of notifications stays open, in minutes; the schema allows 30.
const STREAM_MINUTES: u32 = 29;

/// Exchange 2016 and later understand what 2013 did.
fn envelope(body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\
         <s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns:m=\"http://schemas.microsoft.com/exchange/services/2006/messages\" \
         xmlns:t=\"http://schemas.microsoft.com/exchange/services/2006/types\">\
         <s:Header><t:RequestServerVersion Version=\"Exchange2013_SP1\"/></s:Header>\
         <s:Body>{body}</s:Body></s:Envelope>"
    )
}

fn fields(uris: &[&str]) -> String {
    uris.iter().map(|uri| format!("<t:FieldURI FieldURI=\"{uri}\"/>")).collect()
}

fn shape(element: &str, mime: bool, additional: &str) -> String {
    let mime = if mime { "<t:IncludeMimeContent>true</t:IncludeMimeContent>" } else { "" };
    let additional = match additional {
        "" => String::new(),
        some => format!("<t:AdditionalProperties>{some}</t:AdditionalProperties>"),
    };
    format!("<m:{element}><t:BaseShape>IdOnly</t:BaseShape>{mime}{additional}</m:{element}>")
}

fn sync_state(state: Option<&str>) -> String {
    state.map(|state| format!("<m:SyncState>{}</m:SyncState>", escape(state))).unwrap_or_default()
}

/// The INBOX alone: whether one is let in.
pub(super) fn inbox() -> String {
    get_folders(&["inbox"])
}

/// The folders that have the same name in every language, in the order of [`DISTINGUISHED`].
pub(super) fn distinguished_folders() -> String {
    get_folders(&DISTINGUISHED.iter().map(|(name, _)| *name).collect::<Vec<_>>())
}

fn get_folders(names: &[&str]) -> String {
    let ids: String = names.iter().map(|name| format!("<t:DistinguishedFolderId Id=\"{name}\"/>")).collect();
    let shape = shape("FolderShape", false, "");
    envelope(&format!("<m:GetFolder>{shape}<m:FolderIds>{ids}</m:FolderIds></m:GetFolder>"))
}

/// What changed among the folders; without a state all of them.
pub(super) fn sync_hierarchy(state: Option<&str>) -> String {
    // PidTagAttributeHidden ([MS-OXPROPS] 2.604): Outlook's own folders.
    let hidden = "<t:ExtendedFieldURI PropertyTag=\"0x10F4\" PropertyType=\"Boolean\"/>";
    let named = fields(&["folder:DisplayName", "folder:ParentFolderId", "folder:FolderClass"]);
    let shape = shape("FolderShape", false, &format!("{named}{hidden}"));
    let root = "<m:SyncFolderId><t:DistinguishedFolderId Id=\"msgfolderroot\"/></m:SyncFolderId>";
    let state = sync_state(state);
    envelope(&format!("<m:SyncFolderHierarchy>{shape}{root}{state}</m:SyncFolderHierarchy>"))
}

/// What changed in a folder; without a state all that is in it. The schema has no filter by time.
pub(super) fn sync_items(folder: &str, state: Option<&str>) -> String {
    let shape = shape("ItemShape", false, &fields(&["item:DateTimeReceived"]));
    let folder = format!("<m:SyncFolderId><t:FolderId Id=\"{}\"/></m:SyncFolderId>", escape(folder));
    let state = sync_state(state);
    let limit = format!("<m:MaxChangesReturned>{CHANGES}</m:MaxChangesReturned>");
    envelope(&format!("<m:SyncFolderItems>{shape}{folder}{state}{limit}</m:SyncFolderItems>"))
}

/// What detection reads of these messages.
pub(super) fn get_items(ids: &[String]) -> String {
    let named = fields(&[
        "item:Subject",
        "item:DateTimeReceived",
        "item:Size",
        "item:InternetMessageHeaders",
        "item:DateTimeSent",
        "item:ConversationId",
        "message:Sender",
        "message:ToRecipients",
        "message:CcRecipients",
        "message:ConversationIndex",
        "message:From",
        "message:InternetMessageId",
        "message:ReplyTo",
    ]);
    get(ids, &shape("ItemShape", false, &named))
}

/// The MIME text of a message.
pub(super) fn get_mime(id: &str) -> String {
    get(&[id.to_owned()], &shape("ItemShape", true, ""))
}

fn get(ids: &[String], shape: &str) -> String {
    let ids: String = ids.iter().map(|id| format!("<t:ItemId Id=\"{}\"/>", escape(id.as_str()))).collect();
    envelope(&format!("<m:GetItem>{shape}<m:ItemIds>{ids}</m:ItemIds></m:GetItem>"))
}

/// Be told when something comes into any folder.
pub(super) fn subscribe() -> String {
    let types: String = ["NewMailEvent", "CreatedEvent", "MovedEvent", "CopiedEvent"]
        .iter()
        .map(|kind| format!("<t:EventType>{kind}</t:EventType>"))
        .collect();
    envelope(&format!(
        "<m:Subscribe><m:StreamingSubscriptionRequest SubscribeToAllFolders=\"true\"><t:EventTypes>{types}</t:EventTypes>\
         </m:StreamingSubscriptionRequest></m:Subscribe>"
    ))
}

/// Opens the stream of what one has subscribed to.
pub(super) fn streaming_events(subscription: &str) -> String {
    envelope(&format!(
        "<m:GetStreamingEvents><m:SubscriptionIds><t:SubscriptionId>{}</t:SubscriptionId></m:SubscriptionIds>\
         <m:ConnectionTimeout>{STREAM_MINUTES}</m:ConnectionTimeout></m:GetStreamingEvents>",
        escape(subscription)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_the_server_can_not_leave_its_place() {
        let nasty = "\"/><m:DeleteItem & '";
        for text in [
            sync_items(nasty, Some(nasty)),
            sync_hierarchy(Some(nasty)),
            get_items(&[nasty.to_owned()]),
            get_mime(nasty),
            streaming_events(nasty),
        ] {
            let document = roxmltree::Document::parse(&text).unwrap();
            assert!(!document.descendants().any(|node| node.has_tag_name("DeleteItem")), "{text}");
            assert!(!text.contains("<m:DeleteItem"), "{text}");
        }
    }

    #[test]
    fn every_request_is_one_that_reads() {
        let all = [
            inbox(),
            distinguished_folders(),
            sync_hierarchy(None),
            sync_items("f", None),
            get_items(&["i".to_owned()]),
            get_mime("i"),
            subscribe(),
            streaming_events("s"),
        ];
        for text in all {
            let document = roxmltree::Document::parse(&text).unwrap();
            let body = document.descendants().find(|node| node.tag_name().name() == "Body").unwrap();
            let name = body.first_element_child().unwrap().tag_name().name().to_owned();
            let reads = ["Get", "Sync", "Subscribe"].iter().any(|verb| name.starts_with(verb));
            assert!(reads, "{name}");
        }
    }
}
