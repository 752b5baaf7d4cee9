//! How far a folder has been read, as the owner keeps it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The state in [`crate::Cursor`]: every message with a UID below `uid_next` that was received since `since` has been
/// handed over, except those in `unread`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FolderCursor {
    /// UIDs mean nothing under another value (RFC 9051 §2.3.1.1).
    pub(crate) uidvalidity: u32,
    /// The first UID that was never looked at. Never 0.
    pub(crate) uid_next: u32,
    /// How far back old mail was read. What arrived later than the first contact was read whatever its date.
    pub(crate) since: Timestamp,
    /// A first scan that isn't done: UIDs from the first up to, not including, the second are still to be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unread: Option<(u32, u32)>,
}

impl FolderCursor {
    /// Reads a cursor; `None` (a new first scan) where it makes no sense.
    pub(crate) fn read(state: &str) -> Option<Self> {
        let cursor: Self = serde_json::from_str(state).ok()?;
        (cursor.uidvalidity > 0 && cursor.uid_next > 0).then_some(cursor)
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
        let since = "2026-11-01T00:00:00Z".parse().unwrap();
        for unread in [None, Some((1, 40))] {
            let cursor = FolderCursor { uidvalidity: 7, uid_next: 99, since, unread };
            assert_eq!(FolderCursor::read(&cursor.write()), Some(cursor));
        }
        let zero = FolderCursor { uidvalidity: 7, uid_next: 0, since, unread: None };
        assert_eq!(FolderCursor::read(&zero.write()), None);
        assert_eq!(FolderCursor::read("{}"), None);
        assert_eq!(FolderCursor::read(""), None);
    }
}
