//! Which folders there are, and what each is for.

use std::collections::HashMap;

use crate::{Folder, FolderRole};

/// A folder of the mailbox that is to be watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) folder: Folder,
    pub(crate) id: String,
}

/// A folder as the server knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) id: String,
    /// Its name, translated and without those above it.
    pub(crate) name: String,
    pub(crate) parent: Option<String>,
    /// It holds no mail that was sent or received, and neither do those below it.
    pub(crate) left_out: bool,
    pub(crate) role: FolderRole,
}

/// The folders to watch. Names are paths, as people know them.
pub(crate) fn listed(rows: &[Row]) -> Vec<Listed> {
    let by_id: HashMap<&str, &Row> = rows.iter().map(|row| (row.id.as_str(), row)).collect();
    let mut listed = Vec::new();
    for row in rows {
        let line = lineage(row, &by_id);
        if line.iter().any(|row| row.left_out) {
            continue;
        }
        let name = line.iter().rev().map(|row| row.name.as_str()).collect::<Vec<_>>().join("/");
        listed.push(Listed { folder: Folder { name, role: row.role }, id: row.id.clone() });
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
fn lineage<'a>(row: &'a Row, by_id: &HashMap<&str, &'a Row>) -> Vec<&'a Row> {
    let mut line = vec![row];
    let mut parent = row.parent.as_deref();
    while let Some(above) = parent.and_then(|id| by_id.get(id)) {
        // A mailbox nests 300 deep at most; a circle would never end.
        if line.len() > 300 {
            break;
        }
        line.push(above);
        parent = above.parent.as_deref();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, name: &str, parent: &str) -> Row {
        let parent = Some(parent.to_owned());
        Row { id: id.into(), name: name.into(), parent, left_out: false, role: FolderRole::Other }
    }

    #[test]
    fn names_are_paths_and_what_is_below_a_folder_without_mail_is_left_out_with_it() {
        let mut problems = row("p", "Sync Issues", "root");
        problems.left_out = true;
        let rows = [row("i", "Inbox", "root"), row("k", "Kunden", "i"), problems, row("c", "Conflicts", "p")];
        let names: Vec<_> = listed(&rows).into_iter().map(|l| l.folder.name).collect();
        assert_eq!(names, ["Inbox", "Inbox/Kunden"]);
    }

    #[test]
    fn every_folder_has_a_name_of_its_own_and_a_circle_ends() {
        let rows = [row("1", "a", "2"), row("2", "b", "1"), row("3", "x/y", "root"), row("4", "x/y", "root")];
        let mut names: Vec<_> = listed(&rows).into_iter().map(|l| l.folder.name).collect();
        names.dedup();
        assert_eq!(names.len(), 4);
        assert!(names.contains(&"x/y (2)".to_owned()));
    }
}
