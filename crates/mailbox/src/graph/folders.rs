//! Which folders there are, and what each is for.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

use crate::FolderRole;
use crate::exchange::folder::{self, Listed, Row};

/// The names that mean the same folder in every language.
pub(super) const WELL_KNOWN: &[(&str, Option<FolderRole>)] = &[
    ("inbox", Some(FolderRole::Inbox)),
    ("sentitems", Some(FolderRole::Sent)),
    ("junkemail", Some(FolderRole::Junk)),
    ("deleteditems", Some(FolderRole::Trash)),
    ("archive", Some(FolderRole::Archive)),
    ("drafts", Some(FolderRole::Drafts)),
    // Not mail, or not sent yet.
    ("outbox", None),
    ("syncissues", None),
];

/// A mailFolder resource.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    id: String,
    display_name: Option<String>,
    parent_folder_id: Option<String>,
    #[serde(default)]
    is_hidden: bool,
    #[serde(rename = "@odata.type", default)]
    kind: String,
    #[serde(rename = "@removed")]
    removed: Option<Value>,
}

/// The folders to watch: with mail, not hidden, no search folder (which shows what others hold). `ids` are those of the
/// well-known folders that there are.
pub(super) fn listed(rows: &[Value], ids: &HashMap<&'static str, String>) -> Vec<Listed> {
    let resources = rows.iter().filter_map(|row| Resource::deserialize(row).ok());
    let rows = resources.filter(|resource| resource.removed.is_none()).map(|resource| {
        let known = WELL_KNOWN.iter().find(|(name, _)| ids.get(name) == Some(&resource.id));
        let role = known.map_or(Some(FolderRole::Other), |(_, role)| *role);
        Row {
            name: resource.display_name.unwrap_or_else(|| resource.id.clone()),
            id: resource.id,
            parent: resource.parent_folder_id,
            left_out: resource.is_hidden || resource.kind.ends_with("mailSearchFolder") || role.is_none(),
            role: role.unwrap_or(FolderRole::Other),
        }
    });
    folder::listed(&rows.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(id: &str, name: &str, parent: &str) -> Value {
        json!({"id": id, "displayName": name, "parentFolderId": parent, "isHidden": false})
    }

    #[test]
    fn roles_come_from_well_known_ids_in_every_language_and_names_are_paths() {
        let mut hidden = row("h", "Quick Step", "root");
        hidden["isHidden"] = json!(true);
        let mut search = row("s", "Unread", "root");
        search["@odata.type"] = json!("#microsoft.graph.mailSearchFolder");
        let rows = [
            row("i", "Posteingang", "root"),
            row("k", "Kunden", "i"),
            row("t", "Gesendete Elemente", "root"),
            row("o", "Postausgang", "root"),
            row("p", "Synchronisierungsprobleme", "root"),
            row("c", "Konflikte", "p"),
            hidden,
            search,
        ];
        let ids = [("inbox", "i"), ("sentitems", "t"), ("outbox", "o"), ("syncissues", "p")];
        let ids = ids.into_iter().map(|(name, id)| (name, id.to_owned())).collect();
        let found: Vec<_> = listed(&rows, &ids).into_iter().map(|l| (l.folder.name, l.folder.role)).collect();
        assert_eq!(
            found,
            [
                ("Gesendete Elemente".to_owned(), FolderRole::Sent),
                ("Posteingang".to_owned(), FolderRole::Inbox),
                ("Posteingang/Kunden".to_owned(), FolderRole::Other),
            ]
        );
    }
}
