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
    use std::process::Stdio;

    let mut outcome = Err(io::ErrorKind::NotFound.into());
    for mut program in open::commands(page) {
        let program = crate::graphics::leave_alone(&mut program);
        let started = program.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        match started {
            Ok(mut child) => {
                // Some systems' openers live as long as the browser.
                std::thread::spawn(move || child.wait());
                return Ok(());
            }
            Err(error) => outcome = Err(error),
        }
    }
    outcome
}
