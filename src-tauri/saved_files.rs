//! Files that the rep asked for: they go to the downloads folder, for the owner only.

use std::{fs, io::Write, path::PathBuf};

use jiff::Zoned;
use tauri::{AppHandle, Manager, Runtime};

/// Writes a file whose name begins with `name` and ends with `extension`, and says where it is.
///
/// # Errors
/// The folder can't be written to.
pub fn save<R: Runtime>(
    app: &AppHandle<R>,
    name: &str,
    extension: &str,
    text: &str,
) -> std::io::Result<PathBuf> {
    let folder = app
        .path()
        .download_dir()
        .ok()
        .filter(|folder| folder.is_dir())
        .or_else(|| app.path().home_dir().ok())
        .ok_or_else(|| std::io::Error::other("there is no home folder"))?;
    let path = folder.join(format!("{name}-{}.{extension}", Zoned::now().strftime("%Y%m%d-%H%M%S")));
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&path)?.write_all(text.as_bytes())?;
    Ok(path)
}
