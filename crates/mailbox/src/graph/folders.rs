//! Which folders there are, and what each is for.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

use crate::{Folder, FolderRole};

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

/// A folder of the mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) folder: Folder,
    pub(crate) id: String,
}

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

/// The folders to watch: with mail, not hidden, no search folder (which shows what others hold). Names are paths, as
/// people know them; `ids` are those of the well-known folders that there are.
pub(super) fn listed(rows: &[Value], ids: &HashMap<&'static str, String>) -> Vec<Listed> {
    let rows: Vec<Resource> = rows
        .iter()
        .filter_map(|row| Resource::deserialize(row).ok())
        .filter(|row| row.removed.is_none())
        .collect();
    let by_id: HashMap<&str, &Resource> = rows.iter().map(|row| (row.id.as_str(), row)).collect();
    let well_known =
        |id: &str| WELL_KNOWN.iter().find(|(name, _)| ids.get(name).is_some_and(|known| known == id));
    let mut listed = Vec::new();
    for row in &rows {
        let line = lineage(row, &by_id);
        let left_out = |row: &&&Resource| {
            row.is_hidden
                || row.kind.ends_with("mailSearchFolder")
                || well_known(&row.id).is_some_and(|(_, role)| role.is_none())
        };
        if line.iter().any(|row| left_out(&row)) {
            continue;
        }
        let names = line.iter().rev().map(|row| row.display_name.as_deref().unwrap_or(&row.id));
        let name = names.collect::<Vec<_>>().join("/");
        let role = well_known(&row.id).and_then(|(_, role)| *role).unwrap_or(FolderRole::Other);
        listed.push(Listed { folder: Folder { name, role }, id: row.id.clone() });
    }
    // A name with a slash may look like a path; every folder keeps a name of its own.
    listed.sort_by(|a, b| (&a.folder.name, &a.id).cmp(&(&b.folder.name, &b.id)));
    let mut before: Option<(String, u32)> = None;
    for entry in &mut listed {
        let name = entry.folder.name.clone();
        let twins = before.take().filter(|(known, _)| *known == name).map_or(0, |(_, twins)| twins + 1);
        if twins > 0 {
            entry.folder.name = format!("{name} ({})", twins + 1);
        }
        before = Some((name, twins));
    }
    listed
}

/// The folder and those above it. A parent that isn't listed is the mailbox itself.
fn lineage<'a>(row: &'a Resource, by_id: &HashMap<&str, &'a Resource>) -> Vec<&'a Resource> {
    let mut line = vec![row];
    let mut parent = row.parent_folder_id.as_deref();
    while let Some(above) = parent.and_then(|id| by_id.get(id)) {
        // A mailbox nests 300 deep at most; a circle would never end.
        if line.len() > 300 {
            break;
        }
        line.push(above);
        parent = above.parent_folder_id.as_deref();
    }
    line
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

    #[test]
    fn every_folder_has_a_name_of_its_own_and_a_circle_ends() {
        let rows = [row("1", "a", "2"), row("2", "b", "1"), row("3", "x/y", "root"), row("4", "x/y", "root")];
        let mut names: Vec<_> = listed(&rows, &HashMap::new()).into_iter().map(|l| l.folder.name).collect();
        names.dedup();
        assert_eq!(names.len(), 4);
        assert!(names.contains(&"x/y (2)".to_owned()));
    }
}
