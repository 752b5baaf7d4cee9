//! Which folders there are, kept from one look at them to the next.

use std::collections::{BTreeMap, HashMap};

use roxmltree::Node;

use super::response::{child, id_in, text_of};
use crate::FolderRole;
use crate::exchange::folder::{self, Listed, Row};

/// The names that mean the same folder in every language.
pub(super) const DISTINGUISHED: &[(&str, Option<FolderRole>)] = &[
    ("inbox", Some(FolderRole::Inbox)),
    ("sentitems", Some(FolderRole::Sent)),
    ("junkemail", Some(FolderRole::Junk)),
    ("deleteditems", Some(FolderRole::Trash)),
    ("drafts", Some(FolderRole::Drafts)),
    // Not mail, or not sent yet.
    ("outbox", None),
    ("syncissues", None),
];

/// Ids of folders, by their name in [`DISTINGUISHED`].
pub(super) type KnownIds = HashMap<&'static str, String>;

/// The answer to one question after changes among the folders.
#[derive(Debug)]
pub(super) struct Page {
    changes: Vec<Change>,
    state: String,
    /// More changes follow.
    pub(super) more: bool,
}

#[derive(Debug)]
enum Change {
    There(Found),
    Gone(String),
}

#[derive(Clone, Debug)]
struct Found {
    id: String,
    name: String,
    parent: Option<String>,
    is_mail: bool,
}

impl Page {
    /// `None` when it is no such answer.
    pub(super) fn read(message: Node<'_, '_>) -> Option<Self> {
        let state = text_of(message, "SyncState")?.to_owned();
        let more = text_of(message, "IncludesLastFolderInRange") == Some("false");
        let changes =
            child(message, "Changes")?.children().filter(Node::is_element).filter_map(|change| match change
                .tag_name()
                .name()
            {
                "Delete" => id_in(change, "FolderId").map(Change::Gone),
                _ => change.first_element_child().and_then(Found::read).map(Change::There),
            });
        Some(Self { changes: changes.collect(), state, more })
    }
}

impl Found {
    fn read(folder: Node<'_, '_>) -> Option<Self> {
        let id = id_in(folder, "FolderId")?;
        // Hidden is the only extended property that was asked for.
        let hidden = child(folder, "ExtendedProperty").and_then(|property| text_of(property, "Value"));
        let class = text_of(folder, "FolderClass").unwrap_or("IPF.Note");
        // Calendars, contacts and tasks are elements of their own, and so are search folders, which show what others hold.
        let is_mail = folder.tag_name().name() == "Folder"
            && hidden != Some("true")
            && ["IPF.Note", "IPF.Imap"].iter().any(|mail| class.starts_with(mail));
        let name = text_of(folder, "DisplayName").unwrap_or(&id).to_owned();
        Some(Self { name, parent: id_in(folder, "ParentFolderId"), is_mail, id })
    }
}

/// All folders, as far as they are known.
#[derive(Debug, Default)]
pub(super) struct Hierarchy {
    state: Option<String>,
    folders: BTreeMap<String, Found>,
}

impl Hierarchy {
    /// What to ask for changes after.
    pub(super) fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    pub(super) fn apply(&mut self, page: Page) {
        for change in page.changes {
            match change {
                Change::There(found) => drop(self.folders.insert(found.id.clone(), found)),
                Change::Gone(id) => drop(self.folders.remove(&id)),
            }
        }
        self.state = Some(page.state);
    }

    /// The folders to watch.
    pub(super) fn listed(&self, known: &KnownIds) -> Vec<Listed> {
        let rows = self.folders.values().map(|found| {
            let role = DISTINGUISHED
                .iter()
                .find(|(name, _)| known.get(name) == Some(&found.id))
                .map_or(Some(FolderRole::Other), |(_, role)| *role);
            Row {
                id: found.id.clone(),
                name: found.name.clone(),
                parent: found.parent.clone(),
                left_out: !found.is_mail || role.is_none(),
                role: role.unwrap_or(FolderRole::Other),
            }
        });
        folder::listed(&rows.collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use roxmltree::Document;

    use super::*;

    fn page(changes: &str) -> Page {
        let text = format!(
            "<m><SyncState>s1</SyncState><IncludesLastFolderInRange>true</IncludesLastFolderInRange><Changes>{changes}</Changes></m>"
        );
        Page::read(Document::parse(&text).unwrap().root_element()).unwrap()
    }

    fn folder(element: &str, id: &str, name: &str, parent: &str, more: &str) -> String {
        format!(
            "<Create><{element}><FolderId Id=\"{id}\"/><ParentFolderId Id=\"{parent}\"/>{more}<DisplayName>{name}</DisplayName>\
             </{element}></Create>"
        )
    }

    fn names(hierarchy: &Hierarchy) -> Vec<(String, FolderRole)> {
        let known = [("inbox", "i"), ("outbox", "o")].map(|(name, id)| (name, id.to_owned())).into();
        hierarchy.listed(&known).into_iter().map(|l| (l.folder.name, l.folder.role)).collect()
    }

    #[test]
    fn only_folders_with_mail_are_watched_and_changes_add_up() {
        let hidden = "<ExtendedProperty><Value>true</Value></ExtendedProperty>";
        let mut hierarchy = Hierarchy::default();
        hierarchy.apply(page(
            &[
                folder("Folder", "i", "Posteingang", "root", "<FolderClass>IPF.Note</FolderClass>"),
                folder("Folder", "k", "Kunden", "i", ""),
                folder("Folder", "o", "Postausgang", "root", ""),
                folder("Folder", "h", "Quick Step", "root", hidden),
                folder("Folder", "j", "Journal", "root", "<FolderClass>IPF.Journal</FolderClass>"),
                folder("CalendarFolder", "c", "Kalender", "root", ""),
                folder("SearchFolder", "s", "Ungelesen", "root", ""),
            ]
            .concat(),
        ));
        assert_eq!(
            names(&hierarchy),
            [
                ("Posteingang".to_owned(), FolderRole::Inbox),
                ("Posteingang/Kunden".to_owned(), FolderRole::Other)
            ]
        );
        hierarchy.apply(page(&format!(
            "{}<Delete><FolderId Id=\"k\"/></Delete>",
            folder("Folder", "i", "Inbox", "root", "").replace("Create", "Update")
        )));
        assert_eq!(names(&hierarchy), [("Inbox".to_owned(), FolderRole::Inbox)]);
        assert_eq!(hierarchy.state(), Some("s1"));
    }
}
