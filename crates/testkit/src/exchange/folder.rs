//! The folders of a mailbox, and what changed in each.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE as BASE64;

use super::message::Stored;

/// The language of the folders' display names, which Outlook translates when a mailbox is first opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// Inbox, Sent Items, …
    #[default]
    English,
    /// Posteingang, Gesendete Elemente, …
    German,
}

/// Well-known name, and display name in English and German.
const WELL_KNOWN: &[(&str, &str, &str)] = &[
    ("inbox", "Inbox", "Posteingang"),
    ("sentitems", "Sent Items", "Gesendete Elemente"),
    ("drafts", "Drafts", "Entwürfe"),
    ("deleteditems", "Deleted Items", "Gelöschte Elemente"),
    ("junkemail", "Junk Email", "Junk-E-Mail"),
    ("archive", "Archive", "Archiv"),
    ("outbox", "Outbox", "Postausgang"),
    ("conversationhistory", "Conversation History", "Aufgezeichnete Unterhaltungen"),
];

/// The id of the folder that all top-level folders are in. It is in no list.
pub(crate) const ROOT: &str = "root";

/// A folder.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) parent: String,
    pub(crate) well_known: Option<&'static str>,
    pub(crate) hidden: bool,
    pub(crate) messages: Vec<Stored>,
    /// What left it: the message's serial, and when it had come and when it went, by [`Folders::change`].
    pub(crate) removed: Vec<(u64, u64, u64)>,
}

/// All folders of a mailbox.
#[derive(Debug, Default)]
pub(crate) struct Folders {
    pub(crate) all: BTreeMap<String, Folder>,
    /// Counts changes; a delta token remembers one.
    pub(crate) change: u64,
    /// Tokens of another epoch have expired.
    pub(crate) epoch: u64,
    serials: u64,
}

impl Folders {
    pub(crate) fn new(language: Language) -> Self {
        let mut folders = Self::default();
        for (well_known, english, german) in WELL_KNOWN {
            let name = match language {
                Language::English => english,
                Language::German => german,
            };
            let id = folders.create(name, ROOT);
            if let Some(folder) = folders.all.get_mut(&id) {
                folder.well_known = Some(well_known);
            }
        }
        folders
    }

    /// The next serial number, for a folder or a message.
    pub(crate) fn serial(&mut self) -> u64 {
        self.serials += 1;
        self.serials
    }

    /// The next change.
    pub(crate) fn tick(&mut self) -> u64 {
        self.change += 1;
        self.change
    }

    pub(crate) fn create(&mut self, name: &str, parent: &str) -> String {
        let id = BASE64.encode(format!("folder-{:06}", self.serial()));
        let folder = Folder {
            id: id.clone(),
            name: name.to_owned(),
            parent: parent.to_owned(),
            well_known: None,
            hidden: false,
            messages: Vec::new(),
            removed: Vec::new(),
        };
        self.all.insert(id.clone(), folder);
        id
    }

    /// By id or well-known name, as Graph takes either.
    pub(crate) fn find(&self, id: &str) -> Option<&Folder> {
        let well_known = |folder: &&Folder| folder.well_known.is_some_and(|n| n.eq_ignore_ascii_case(id));
        self.all.get(id).or_else(|| self.all.values().find(well_known))
    }

    /// By path of display names (`Inbox/Prospects`), or by well-known name.
    pub(crate) fn by_path(&self, path: &str) -> Option<String> {
        let found = self.all.values().find(|folder| self.path(folder) == path);
        found.or_else(|| self.find(path)).map(|folder| folder.id.clone())
    }

    pub(crate) fn path(&self, folder: &Folder) -> String {
        match self.all.get(&folder.parent) {
            Some(parent) => format!("{}/{}", self.path(parent), folder.name),
            None => folder.name.clone(),
        }
    }

    /// The folder of this path, created where missing.
    pub(crate) fn ensure(&mut self, path: &str) -> String {
        if let Some(id) = self.by_path(path) {
            return id;
        }
        let (parent, name) = match path.rsplit_once('/') {
            Some((parent, name)) => (self.ensure(parent), name),
            None => (ROOT.to_owned(), path),
        };
        self.create(name, &parent)
    }

    /// The message with this id, immutable or not.
    pub(crate) fn message(&self, id: &str) -> Option<(&Folder, &Stored)> {
        self.all.values().find_map(|folder| {
            let has = |message: &&Stored| message.immutable_id() == id || message.id_in(&folder.id) == id;
            Some((folder, folder.messages.iter().find(has)?))
        })
    }
}
