//! Child processes that end with the test, however the test ends.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process};

/// A child that is stopped when this is dropped: politely first, then for good. Should this process be killed
/// before it can do so, a guard does it.
#[derive(Debug)]
pub struct Running {
    child: Child,
    grace: Duration,
    guard: Option<Guard>,
}

impl Running {
    /// Starts `command`; on drop it gets SIGTERM and then `grace` time before SIGKILL. It is put into a process group of
    /// its own, so that Ctrl-C at the terminal reaches only its owner, who then stops it in order.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn start(command: &mut Command, grace: Duration) -> Result<Self> {
        Self::start_with_folder(command, grace, None)
    }

    /// As [`Self::start`]; the guard also removes `folder`. (On drop its owner does.)
    ///
    /// # Errors
    /// When it can't be started.
    pub fn start_with_folder(command: &mut Command, grace: Duration, folder: Option<&Path>) -> Result<Self> {
        let program = command.get_program().display().to_string();
        let child = command.process_group(0).spawn().with_context(|| format!("Starting {program}"))?;
        let mut running = Self { child, grace, guard: None };
        running.guard = Some(Guard::over(running.id(), folder)?);
        Ok(running)
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The child itself, for its pipes.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Its exit status when it has ended by itself.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Sends a signal; nothing happens when it has ended.
    pub fn signal(&mut self, signal: Signal) {
        if self.ended().is_some() {
            return;
        }
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(Err(error)) = pid.map(|pid| kill_process(pid, signal)) {
            tracing::debug!("Process {} could not be signalled: {error}.", self.child.id());
        }
    }

    /// Ends it at once, as a crash or a power cut does, and waits for it.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.wait(Duration::from_secs(5));
    }

    /// Asks it to end, waits for at most the grace time, and says how it ended; `None` when it had to be killed.
    pub fn stop(&mut self) -> Option<ExitStatus> {
        self.signal(Signal::TERM);
        let status = self.wait(self.grace);
        if status.is_none() {
            self.kill();
        }
        status
    }

    fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.ended() {
                return Some(status);
            }
            if Instant::now() >= deadline {
                return None;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.ended().is_none() {
            self.stop();
        }
        if let Some(guard) = self.guard.take() {
            guard.dismiss();
        }
    }
}

/// A shell that waits for the end of a pipe from us: it comes when we die, and then the shell clears up.
#[derive(Debug)]
struct Guard {
    shell: Child,
}

/// `$1` is the process, `$2` a folder or nothing.
const GUARD: &str = r#"
read -r word || word=
[ "$word" = dismissed ] && exit 0
kill -TERM "$1" 2>/dev/null
tries=0
while kill -0 "$1" 2>/dev/null && [ "$tries" -lt 30 ]; do sleep 0.1; tries=$((tries + 1)); done
kill -KILL "$1" 2>/dev/null
if [ -n "$2" ]; then rm -rf -- "$2"; fi
"#;

impl Guard {
    fn over(process: u32, folder: Option<&Path>) -> Result<Self> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", GUARD, "guard", &process.to_string()]);
        command.arg(folder.unwrap_or(Path::new("")));
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        Ok(Self { shell: command.spawn().context("Starting a guard")? })
    }

    /// There is nothing left to guard.
    fn dismiss(mut self) {
        let told = self.shell.stdin.take().map(|mut pipe| pipe.write_all(b"dismissed\n"));
        if matches!(told, Some(Ok(()))) {
            let ended = self.shell.wait();
            tracing::trace!("The guard ended with {ended:?}.");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper(folder: Option<&Path>) -> Running {
        Running::start_with_folder(Command::new("sleep").arg("1000"), Duration::from_secs(2), folder).unwrap()
    }

    fn is_running(process: u32) -> bool {
        // By its state: the command line is empty for a zombie, but also for a moment while a program is being started.
        std::fs::read_to_string(format!("/proc/{process}/status"))
            .is_ok_and(|status| !status.contains("State:\tZ"))
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_dropped_child_ends_and_its_folder_is_its_owners() {
        let folder = tempfile::tempdir().unwrap();
        let running = sleeper(Some(folder.path()));
        let process = running.id();
        assert!(is_running(process));
        drop(running);
        assert!(!is_running(process));
        assert!(folder.path().exists());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_guard_clears_up_when_its_owner_dies() {
        let folder = tempfile::tempdir().unwrap();
        let mut running = sleeper(Some(folder.path()));
        // What the kernel does when we die: our end of the pipe is closed.
        drop(running.guard.as_mut().unwrap().shell.stdin.take());
        let deadline = Instant::now() + Duration::from_secs(10);
        while (is_running(running.id()) || folder.path().exists()) && Instant::now() < deadline {
            running.ended();
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(!is_running(running.id()));
        assert!(!folder.path().exists());
    }
}
