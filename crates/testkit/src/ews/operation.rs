//! Which operation gives what.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roxmltree::Node;

use super::soap::{answer, child, error, success, text_of};
use super::sync::State;
use super::xml;
use crate::exchange::{Folder, Folders};

/// Answers an operation that is about the mailbox. `None` for one that it does not know.
pub(super) fn perform(folders: &Folders, operation: Node<'_, '_>) -> Option<String> {
    let name = operation.tag_name().name();
    let messages = match name {
        "GetFolder" => get_folder(folders, operation),
        "SyncFolderHierarchy" => sync_hierarchy(folders, operation),
        "SyncFolderItems" => sync_items(folders, operation),
        "GetItem" => get_item(folders, operation),
        _ => return None,
    };
    Some(answer(name, &messages))
}

fn get_folder(folders: &Folders, operation: Node<'_, '_>) -> String {
    let ids =
        child(operation, "FolderIds").into_iter().flat_map(|ids| ids.children()).filter(Node::is_element);
    let messages = ids.map(|id| match find(folders, id) {
        Some(folder) => success("GetFolder", &format!("<m:Folders>{}</m:Folders>", xml::folder(folder))),
        None => error("GetFolder", "ErrorFolderNotFound"),
    });
    messages.collect()
}

/// A `FolderId` or a `DistinguishedFolderId`.
fn find<'a>(folders: &'a Folders, id: Node<'_, '_>) -> Option<&'a Folder> {
    let wanted = id.attribute("Id")?;
    match id.tag_name().name() {
        "DistinguishedFolderId" => folders.all.values().find(|folder| folder.well_known == Some(wanted)),
        _ => folders.all.get(wanted),
    }
}

/// Hands out all folders each time their state is another one, as Exchange may.
fn sync_hierarchy(folders: &Folders, operation: Node<'_, '_>) -> String {
    let now = folders.all.values().map(xml::folder).collect::<Vec<_>>();
    let ids = || folders.all.keys().cloned().collect::<Vec<_>>();
    let write = |ids: &[String]| {
        let digest = now.concat();
        STANDARD.encode(serde_json::to_vec(&(folders.epoch, ids, digest)).unwrap_or_default())
    };
    let mut changes = String::new();
    if let Some(state) = text_of(operation, "SyncState") {
        let before = STANDARD.decode(state).ok();
        let before: Option<(u64, Vec<String>, String)> =
            before.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let Some((_, known, digest)) = before.filter(|(epoch, ..)| *epoch == folders.epoch) else {
            return error("SyncFolderHierarchy", "ErrorInvalidSyncStateData");
        };
        for id in known.iter().filter(|id| !folders.all.contains_key(*id)) {
            changes.push_str(&format!("<t:Delete><t:FolderId Id=\"{id}\"/></t:Delete>"));
        }
        for folder in folders.all.values() {
            let element = xml::folder(folder);
            if !known.contains(&folder.id) {
                changes.push_str(&format!("<t:Create>{element}</t:Create>"));
            } else if !digest.contains(&element) {
                changes.push_str(&format!("<t:Update>{element}</t:Update>"));
            }
        }
    } else {
        changes.extend(now.iter().map(|element| format!("<t:Create>{element}</t:Create>")));
    }
    success(
        "SyncFolderHierarchy",
        &format!(
            "<m:SyncState>{}</m:SyncState><m:IncludesLastFolderInRange>true</m:IncludesLastFolderInRange>\
             <m:Changes>{changes}</m:Changes>",
            write(&ids())
        ),
    )
}

fn sync_items(folders: &Folders, operation: Node<'_, '_>) -> String {
    let refuse = |code| error("SyncFolderItems", code);
    let id = child(operation, "SyncFolderId").and_then(|id| id.first_element_child());
    let Some(folder) = id.and_then(|id| find(folders, id)) else { return refuse("ErrorSyncFolderNotFound") };
    let size = text_of(operation, "MaxChangesReturned").and_then(|size| size.parse::<usize>().ok());
    let Some(size) = size.filter(|size| (1..=512).contains(size)) else {
        return refuse("ErrorInvalidRequest");
    };
    let state = match text_of(operation, "SyncState") {
        None => State::begin(folders, &folder.id),
        Some(token) => match State::read(token, folders, &folder.id) {
            Some(state) => state,
            None => return refuse("ErrorInvalidSyncStateData"),
        },
    };
    let (changes, state, last) = state.page(folder, size);
    success(
        "SyncFolderItems",
        &format!(
            "<m:SyncState>{}</m:SyncState><m:IncludesLastItemInRange>{last}</m:IncludesLastItemInRange>\
             <m:Changes>{changes}</m:Changes>",
            state.token()
        ),
    )
}

fn get_item(folders: &Folders, operation: Node<'_, '_>) -> String {
    let shape = child(operation, "ItemShape");
    let mime = shape.and_then(|shape| text_of(shape, "IncludeMimeContent")) == Some("true");
    let wanted: Vec<String> = shape
        .and_then(|shape| child(shape, "AdditionalProperties"))
        .into_iter()
        .flat_map(|properties| properties.children())
        .filter_map(|property| property.attribute("FieldURI").map(str::to_owned))
        .collect();
    let mime = mime || wanted.iter().any(|uri| uri == "item:MimeContent");
    let ids = child(operation, "ItemIds").into_iter().flat_map(|ids| ids.children()).filter(Node::is_element);
    let messages = ids.map(|id| {
        // The id of this very folder: that of another one was given up when the message was moved.
        let found = folders.all.values().find_map(|folder| {
            let has =
                |message: &&crate::exchange::Stored| id.attribute("Id") == Some(&message.id_in(&folder.id));
            Some((folder, folder.messages.iter().find(has)?))
        });
        match found {
            Some((folder, message)) => {
                let item = xml::item(message, &folder.id, mime, &wanted);
                success("GetItem", &format!("<m:Items>{item}</m:Items>"))
            }
            None => error("GetItem", "ErrorItemNotFound"),
        }
    });
    messages.collect()
}
