//! SOAP: the request that is in an envelope, and the envelope of an answer.

use std::time::Duration;

use quick_xml::escape::escape;
use roxmltree::{Document, Node};

/// The order of each operation's elements in the published schema ([MS-OXWSSYNC] 3.1.4, [MS-OXWSFOLD], [MS-OXWSCORE], [MS-OXWSNTIF]).
const ORDER: &[(&str, &[&str])] = &[
    ("GetFolder", &["FolderShape", "FolderIds"]),
    ("SyncFolderHierarchy", &["FolderShape", "SyncFolderId", "SyncState"]),
    (
        "SyncFolderItems",
        &["ItemShape", "SyncFolderId", "SyncState", "Ignore", "MaxChangesReturned", "SyncScope"],
    ),
    ("GetItem", &["ItemShape", "ItemIds"]),
    ("Subscribe", &["PullSubscriptionRequest", "PushSubscriptionRequest", "StreamingSubscriptionRequest"]),
    ("StreamingSubscriptionRequest", &["FolderIds", "EventTypes"]),
    ("GetStreamingEvents", &["SubscriptionIds", "ConnectionTimeout"]),
    ("FolderShape", &["BaseShape", "AdditionalProperties"]),
    (
        "ItemShape",
        &[
            "BaseShape",
            "IncludeMimeContent",
            "BodyType",
            "FilterHtmlContent",
            "ConvertHtmlCodePageToUTF8",
            "AdditionalProperties",
        ],
    ),
];

/// The operation in an envelope, where the envelope is one and its elements come in order.
pub(super) fn operation<'a, 'i>(document: &'a Document<'i>) -> Option<Node<'a, 'i>> {
    let body = child(document.root_element(), "Body")?;
    let operation = body.first_element_child()?;
    operation.descendants().filter(Node::is_element).all(is_in_order).then_some(operation)
}

fn is_in_order(node: Node<'_, '_>) -> bool {
    let Some((_, order)) = ORDER.iter().find(|(name, _)| *name == node.tag_name().name()) else {
        return true;
    };
    let places = node
        .children()
        .filter(Node::is_element)
        .map(|child| order.iter().position(|name| *name == child.tag_name().name()));
    places.collect::<Option<Vec<_>>>().is_some_and(|places| places.is_sorted_by(|a, b| a < b))
}

pub(super) fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|child| child.is_element() && child.tag_name().name() == name)
}

pub(super) fn text_of<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    child(node, name)?.text()
}

/// An answer around the response messages of an operation.
pub(super) fn answer(operation: &str, messages: &str) -> String {
    envelope(&format!(
        "<m:{operation}Response xmlns:m=\"http://schemas.microsoft.com/exchange/services/2006/messages\" \
         xmlns:t=\"http://schemas.microsoft.com/exchange/services/2006/types\"><m:ResponseMessages>{messages}</m:ResponseMessages>\
         </m:{operation}Response>"
    ))
}

fn envelope(body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Header>\
         <h:ServerVersionInfo MajorVersion=\"15\" MinorVersion=\"2\" MajorBuildNumber=\"1544\" MinorBuildNumber=\"4\" \
         Version=\"V2017_07_11\" xmlns:h=\"http://schemas.microsoft.com/exchange/services/2006/types\"/></s:Header>\
         <s:Body>{body}</s:Body></s:Envelope>"
    )
}

/// What went well with one thing that was asked for.
pub(super) fn success(operation: &str, content: &str) -> String {
    format!(
        "<m:{operation}ResponseMessage ResponseClass=\"Success\"><m:ResponseCode>NoError</m:ResponseCode>{content}\
         </m:{operation}ResponseMessage>"
    )
}

/// What did not.
pub(super) fn error(operation: &str, code: &str) -> String {
    // The schema wants a place for what was asked for, and of a sync that fails where it is: nowhere.
    let rest = match operation {
        "GetFolder" => "<m:Folders/>",
        "GetItem" => "<m:Items/>",
        "SyncFolderHierarchy" => {
            "<m:SyncState/><m:IncludesLastFolderInRange>true</m:IncludesLastFolderInRange>"
        }
        "SyncFolderItems" => "<m:SyncState/><m:IncludesLastItemInRange>true</m:IncludesLastItemInRange>",
        _ => "",
    };
    format!(
        "<m:{operation}ResponseMessage ResponseClass=\"Error\"><m:MessageText>It failed: {code}.</m:MessageText>\
         <m:ResponseCode>{code}</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>{rest}</m:{operation}ResponseMessage>"
    )
}

/// A refusal of the whole request.
pub(super) fn fault(code: &str, back_off: Option<Duration>) -> String {
    let back_off = back_off.map(|time| {
        format!(
            "<t:MessageXml xmlns:t=\"http://schemas.microsoft.com/exchange/services/2006/types\">\
             <t:Value Name=\"BackOffMilliseconds\">{}</t:Value></t:MessageXml>",
            time.as_millis()
        )
    });
    envelope(&format!(
        "<s:Fault><faultcode xmlns:a=\"http://schemas.microsoft.com/exchange/services/2006/types\">a:{code}</faultcode>\
         <faultstring xml:lang=\"en-US\">The server cannot service this request right now. Try again later.</faultstring><detail>\
         <e:ResponseCode xmlns:e=\"http://schemas.microsoft.com/exchange/services/2006/errors\">{code}</e:ResponseCode>\
         <e:Message xmlns:e=\"http://schemas.microsoft.com/exchange/services/2006/errors\">The server cannot service this request right \
         now.</e:Message>{}</detail></s:Fault>",
        back_off.unwrap_or_default()
    ))
}

/// An element with text, unless there is none.
pub(super) fn element(name: &str, text: Option<&str>) -> String {
    text.map(|text| format!("<t:{name}>{}</t:{name}>", written(text))).unwrap_or_default()
}

/// Text as Exchange writes it: what XML forbids comes as a reference, which XML forbids as well.
pub(super) fn written(text: &str) -> String {
    let forbidden = |c: char| c.is_ascii_control() && !matches!(c, '\t' | '\n' | '\r');
    let write = |c: char| if forbidden(c) { format!("&#x{:X};", u32::from(c)) } else { c.to_string() };
    escape(text).chars().map(write).collect()
}
