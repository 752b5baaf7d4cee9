//! The system's browser.

use std::io;

/// Opens a page in it and does not wait for it.
#[cfg(not(target_os = "linux"))]
pub fn open(page: &str) -> io::Result<()> {
    open::that_detached(page)
}

/// Opens a page in it and does not wait for it. What is set for our own window only is taken out of its environment.
#[cfg(target_os = "linux")]
pub fn open(page: &str) -> io::Result<()> {
    use std::{process::Stdio, sync::mpsc, thread, time::Duration};

    /// A launcher that can't open the page says so at once; one that can may live as long as the browser.
    const REFUSAL: Duration = Duration::from_millis(300);

    let mut outcome = Err(io::ErrorKind::NotFound.into());
    for mut launcher in open::commands(page) {
        let launcher = crate::graphics::leave_alone(&mut launcher);
        match launcher.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn() {
            Ok(mut child) => {
                let (tell, told) = mpsc::channel();
                thread::spawn(move || tell.send(child.wait()));
                match told.recv_timeout(REFUSAL) {
                    Ok(Ok(ended)) if !ended.success() => outcome = Err(io::Error::other(ended.to_string())),
                    _ => return Ok(()),
                }
            }
            Err(error) => outcome = Err(error),
        }
    }
    outcome
}
