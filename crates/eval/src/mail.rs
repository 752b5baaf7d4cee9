//! Labelled folders: their messages, and the share that is held back from development.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

/// One message of a folder.
pub struct Mail {
    /// Path beside the folder, with `#n` for the n-th message of an mbox.
    pub name: String,
    pub raw: Vec<u8>,
}

/// A third, chosen by the digest of the name, is not looked at while rules are developed.
pub fn is_held_back(name: &str) -> bool {
    // The digest as a number modulo 3: 256 leaves 1, so the bytes' sum leaves the same.
    Sha256::digest(name.as_bytes()).iter().map(|byte| u32::from(*byte)).sum::<u32>() % 3 == 0
}

/// Every message below a folder, in the order of their paths.
pub fn read_all(folder: &Path) -> anyhow::Result<Vec<Mail>> {
    let mut files = Vec::new();
    list(folder, &mut files).with_context(|| format!("Cannot list {}", folder.display()))?;
    files.sort();
    let mut mails = Vec::new();
    for path in files {
        let raw = fs::read(&path).with_context(|| format!("Cannot read {}", path.display()))?;
        let name = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
        let is_mbox =
            raw.starts_with(b"From ") || path.extension().is_some_and(|end| end == "mbox" || end == "txt");
        let parts = if is_mbox { split_mbox(&raw) } else { Vec::new() };
        if parts.is_empty() {
            mails.push(Mail { name, raw });
        } else {
            let parts = parts.into_iter().enumerate();
            mails.extend(parts.map(|(n, part)| Mail { name: format!("{name}#{n}"), raw: part.to_vec() }));
        }
    }
    Ok(mails)
}

/// Files that describe a set, and what is no mail.
fn is_mail(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let described = ["README", "LICEN", "COPYING", "labels", "."].iter().any(|start| name.starts_with(start));
    let other = ["json", "jsonl", "py", "yml", "yaml", "html", "verify", "bundle", "ics", "patch"];
    !described && !path.extension().and_then(|end| end.to_str()).is_some_and(|end| other.contains(&end))
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if folder.is_file() {
        files.push(folder.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, files)?;
        } else if is_mail(&path) {
            files.push(path);
        }
    }
    Ok(())
}

/// The messages of an mbox: a `From ` line after an empty one that ends in a year begins one.
fn split_mbox(raw: &[u8]) -> Vec<&[u8]> {
    let mut starts = Vec::new();
    let mut at = 0;
    let mut after_blank = true;
    for line in raw.split_inclusive(|byte| *byte == b'\n') {
        let text = line.trim_ascii_end();
        let has_year = text.len() > 4 && text.iter().rev().take(4).all(u8::is_ascii_digit);
        if after_blank && line.starts_with(b"From ") && has_year {
            starts.push((at, at + line.len()));
        }
        after_blank = text.is_empty();
        at += line.len();
    }
    let ends = starts.iter().skip(1).map(|(start, _)| *start).chain([raw.len()]);
    starts.iter().zip(ends).filter_map(|((_, start), end)| raw.get(*start..end)).collect()
}
