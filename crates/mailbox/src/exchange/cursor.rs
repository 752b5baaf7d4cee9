//! How far a folder has been read, as the owner keeps it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The state in [`crate::Cursor`]: every message of the folder that was received since `since` has been handed over, but
/// for what `link` still has to give.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FolderCursor {
    /// The folder's id, which outlives its name.
    pub(crate) id: String,
    pub(crate) since: Timestamp,
    /// Where the next page or the next changes are; `None` before the first page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) link: Option<String>,
    /// More pages follow under `link`.
    #[serde(default)]
    pub(crate) more: bool,
    /// The first scan, or one anew, isn't done.
    #[serde(default)]
    pub(crate) scanning: bool,
    /// So many rows of that scan were read.
    #[serde(default)]
    pub(crate) rows: u64,
    /// Without a filter: the folder holds more than a filtered query gives.
    #[serde(default)]
    pub(crate) unfiltered: bool,
}

impl FolderCursor {
    /// At the beginning of a scan.
    pub(crate) fn start(id: String, since: Timestamp) -> Self {
        Self { id, since, link: None, more: false, scanning: true, rows: 0, unfiltered: false }
    }

    /// Reads a cursor; `None` (a new scan) where it makes no sense.
    pub(crate) fn read(state: &str) -> Option<Self> {
        serde_json::from_str(state).ok()
    }

    pub(crate) fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_being_written_and_nonsense_means_a_new_scan() {
        let mut cursor = FolderCursor::start("AAA=".into(), "2026-11-01T00:00:00Z".parse().unwrap());
        assert_eq!(FolderCursor::read(&cursor.write()), Some(cursor.clone()));
        cursor.link = Some("https://graph.microsoft.com/v1.0/x?$deltatoken=1".into());
        assert_eq!(FolderCursor::read(&cursor.write()), Some(cursor));
        // A cursor of the same account over IMAP.
        assert_eq!(
            FolderCursor::read(r#"{"uidvalidity":7,"uid_next":9,"since":"2026-11-01T00:00:00Z"}"#),
            None
        );
        assert_eq!(FolderCursor::read(""), None);
    }
}
