//! Finds the files that hold messages.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// How a file holds messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Many, one after the other.
    Mbox,
    /// One.
    Single,
}

/// A file that holds messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailFile {
    /// As it was given, or found below a folder that was given.
    pub path: PathBuf,
    /// How it holds them.
    pub format: Format,
    /// In bytes.
    pub size: u64,
}

/// Every file of the paths that were given, in a stable order, and what could not be looked into.
#[derive(Debug, Default)]
pub struct Mailbox {
    /// In the order in which their paths were given; within a folder by name.
    pub files: Vec<MailFile>,
    /// What is wrong with some input, each naming its path.
    pub problems: Vec<String>,
    /// Files in folders that are no mail by their name.
    pub passed_over: usize,
}

impl Mailbox {
    /// Looks at each path: an mbox file, a Maildir, a folder with .eml files, or one message.
    pub fn find(paths: &[PathBuf]) -> Self {
        let mut mailbox = Self::default();
        for path in paths {
            let found_before = mailbox.files.len() + mailbox.problems.len();
            match fs::metadata(path) {
                Err(error) => mailbox.problem(path, &error),
                Ok(metadata) if metadata.is_dir() => {
                    mailbox.walk(path);
                    if mailbox.files.len() + mailbox.problems.len() == found_before && !is_maildir(path) {
                        mailbox.problems.push(format!(
                            "{}: holds no mail (.eml and .mbox files and Maildirs are looked for)",
                            path.display()
                        ));
                    }
                }
                Ok(metadata) if metadata.is_file() => match sniff(path) {
                    Ok(Sniffed::Compressed) => mailbox.problems.push(format!(
                        "{}: is compressed; unpack it first, for example with gunzip or unzip",
                        path.display()
                    )),
                    Ok(Sniffed::Format(format)) => {
                        mailbox.files.push(MailFile { path: path.clone(), format, size: metadata.len() });
                    }
                    Err(error) => mailbox.problem(path, &error),
                },
                Ok(_) => mailbox.problems.push(format!("{}: is not a file or folder", path.display())),
            }
        }
        mailbox
    }

    /// All of them, in bytes.
    pub fn total_size(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }

    fn problem(&mut self, path: &Path, error: &io::Error) {
        self.problems.push(format!("{}: {error}", path.display()));
    }

    fn walk(&mut self, folder: &Path) {
        let maildir = is_maildir(folder);
        let messages_folder = is_maildir_part(folder);
        let mut entries = match fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
            Ok(entries) => entries,
            Err(error) => return self.problem(folder, &error),
        };
        entries.sort_unstable_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let (path, name) = (entry.path(), entry.file_name());
            let metadata = match entry.file_type() {
                // A link to a folder could lead in a circle.
                Ok(kind) if kind.is_symlink() => {
                    fs::metadata(&path).map(|target| target.is_file().then_some(target))
                }
                Ok(_) => entry.metadata().map(Some),
                Err(error) => Err(error),
            };
            let metadata = match metadata {
                Ok(Some(metadata)) => metadata,
                Ok(None) => continue,
                // What is mail by its name gets its line, which says that it can't be read.
                Err(_) if let Some(format) = format_by_name(&path, messages_folder) => {
                    self.files.push(MailFile { path, format, size: 0 });
                    continue;
                }
                Err(error) => {
                    self.problem(&path, &error);
                    continue;
                }
            };
            if metadata.is_dir() {
                // Maildir: messages in tmp are not delivered yet.
                if !(maildir && name == "tmp") {
                    self.walk(&path);
                }
            } else if metadata.is_file() {
                match format_by_name(&path, messages_folder) {
                    Some(format) => self.files.push(MailFile { path, format, size: metadata.len() }),
                    None if maildir => {}
                    None => self.passed_over += 1,
                }
            }
        }
    }
}

fn is_maildir(folder: &Path) -> bool {
    folder.join("cur").is_dir() && folder.join("new").is_dir()
}

fn is_maildir_part(folder: &Path) -> bool {
    folder.file_name().is_some_and(|name| name == "cur" || name == "new")
        && folder.parent().is_some_and(is_maildir)
}

/// Within a folder only the name decides: whatever else lies there is not mail.
fn format_by_name(path: &Path, in_maildir: bool) -> Option<Format> {
    let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    if in_maildir {
        return (!hidden).then_some(Format::Single);
    }
    let extension = path.extension()?;
    if hidden {
        None
    } else if extension.eq_ignore_ascii_case("eml") {
        Some(Format::Single)
    } else {
        extension.eq_ignore_ascii_case("mbox").then_some(Format::Mbox)
    }
}

enum Sniffed {
    Format(Format),
    Compressed,
}

/// A file that was named is taken as mail; its beginning tells whether it is one message or many.
fn sniff(path: &Path) -> io::Result<Sniffed> {
    let mut beginning = Vec::new();
    fs::File::open(path)?.take(512).read_to_end(&mut beginning)?;
    // gzip, zip, xz, zstd, bzip2
    let magics: [&[u8]; 5] = [b"\x1f\x8b", b"PK\x03\x04", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"BZh"];
    if magics.iter().any(|magic| beginning.starts_with(magic)) {
        return Ok(Sniffed::Compressed);
    }
    let named = format_by_name(path, path.parent().is_some_and(is_maildir_part));
    let begins_as_mbox = beginning.trim_ascii_start().starts_with(b"From ");
    Ok(Sniffed::Format(match named {
        Some(format) => format,
        None if begins_as_mbox => Format::Mbox,
        None => Format::Single,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(root: &Path, mailbox: &Mailbox) -> Vec<(String, Format)> {
        let relative = |file: &MailFile| file.path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        mailbox.files.iter().map(|file| (relative(file), file.format)).collect()
    }

    fn put(root: &Path, name: &str, content: &str) {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    #[test]
    fn a_folder_gives_its_eml_and_mbox_files_in_order() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b.eml", "a/2.EML", "a/1.eml", "notes.txt", "c.mbox", "a/.hidden.eml", "a/b/c/deep.eml"]
        {
            put(dir.path(), name, "Subject: x\n\n");
        }
        let mailbox = Mailbox::find(&[dir.path().to_owned()]);
        let expected = [
            ("a/1.eml", Format::Single),
            ("a/2.EML", Format::Single),
            ("a/b/c/deep.eml", Format::Single),
            ("b.eml", Format::Single),
            ("c.mbox", Format::Mbox),
        ];
        assert_eq!(found(dir.path(), &mailbox), expected.map(|(path, format)| (path.to_owned(), format)));
        assert_eq!(mailbox.passed_over, 2);
        assert!(mailbox.problems.is_empty());
    }

    #[test]
    fn a_maildir_gives_cur_and_new_of_all_its_folders() {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["", ".Archive/", ".Archive.2025/", "Fs/Nested/"] {
            for part in ["cur", "new", "tmp"] {
                put(dir.path(), &format!("{folder}{part}/1700000000.M1P1.host:2,S"), "Subject: x\n\n");
            }
        }
        put(dir.path(), "dovecot-uidlist", "3 V1\n");
        put(dir.path(), "cur/.nfs01", "");
        let mailbox = Mailbox::find(&[dir.path().to_owned()]);
        let folders: Vec<String> = found(dir.path(), &mailbox)
            .into_iter()
            .map(|(path, format)| {
                assert_eq!(format, Format::Single);
                path.rsplit_once('/').unwrap().0.to_owned()
            })
            .collect();
        let expected = [
            ".Archive/cur",
            ".Archive/new",
            ".Archive.2025/cur",
            ".Archive.2025/new",
            "Fs/Nested/cur",
            "Fs/Nested/new",
            "cur",
            "new",
        ];
        assert_eq!(folders, expected);
        assert_eq!(Mailbox::find(&[dir.path().join("cur")]).files.len(), 1);
    }

    #[test]
    fn a_named_file_is_told_by_its_beginning() {
        let dir = tempfile::tempdir().unwrap();
        let from = "From a@x.example Mon Nov 23 14:00:00 2026\nSubject: x\n\n";
        for (name, content, format) in [
            ("2026-November.txt", from, Some(Format::Mbox)),
            ("Inbox", from, Some(Format::Mbox)),
            ("saved.eml", from, Some(Format::Single)),
            ("message", "Subject: x\n\n", Some(Format::Single)),
            ("empty.mbox", "", Some(Format::Mbox)),
            ("empty.eml", "", Some(Format::Single)),
            ("archive.mbox.gz", "\x1f\u{8b}", None),
        ] {
            let content =
                if format.is_some() { content.as_bytes().to_vec() } else { b"\x1f\x8b\x08".to_vec() };
            fs::write(dir.path().join(name), content).unwrap();
            let mailbox = Mailbox::find(&[dir.path().join(name)]);
            assert_eq!(mailbox.files.first().map(|file| file.format), format, "{name}");
            assert_eq!(mailbox.problems.len(), usize::from(format.is_none()), "{name}");
        }
    }

    #[test]
    fn what_is_not_there_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let missing = dir.path().join("missing.mbox");
        let mailbox = Mailbox::find(&[missing.clone(), dir.path().to_owned()]);
        assert_eq!(mailbox.problems.len(), 2);
        assert!(mailbox.problems[0].starts_with(missing.to_str().unwrap()));
        assert!(mailbox.problems[1].contains("holds no mail"));
    }

    #[cfg(unix)]
    #[test]
    fn links_in_a_circle_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        put(dir.path(), "a/1.eml", "Subject: x\n\n");
        std::os::unix::fs::symlink(dir.path(), dir.path().join("a/up")).unwrap();
        std::os::unix::fs::symlink(dir.path().join("a/1.eml"), dir.path().join("a/2.eml")).unwrap();
        assert_eq!(Mailbox::find(&[dir.path().to_owned()]).files.len(), 2);
    }
}
