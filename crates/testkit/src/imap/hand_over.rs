//! Signing in here and reading elsewhere: for a mail server whose own login we can't run.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};
use tokio::net::UnixStream;

use super::wire::Connection;

/// The program that takes over a connection once its user has signed in.
pub(crate) struct HandOver {
    pub(crate) program: PathBuf,
    /// Each user has a folder of that name below this one; the program starts there.
    pub(crate) homes: PathBuf,
    pub(crate) arguments: Vec<String>,
    pub(crate) environment: Vec<(String, String)>,
    /// The environment variables that tell it who has signed in, and the tag that it is to answer.
    pub(crate) user_variable: &'static str,
    pub(crate) tag_variable: &'static str,
}

impl HandOver {
    /// Runs the program on this connection until either side closes it.
    pub(super) async fn run(&self, mut connection: Box<dyn Connection>, user: &str, tag: &str) -> Result<()> {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let mut ours = UnixStream::from_std(ours)?;
        let input = OwnedFd::from(theirs.try_clone()?);
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).current_dir(self.homes.join(user)).env_clear();
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.env(self.user_variable, user).env(self.tag_variable, tag);
        command.stdin(Stdio::from(input)).stdout(Stdio::from(OwnedFd::from(theirs))).stderr(Stdio::null());
        let mut command = tokio::process::Command::from(command);
        let mut child = command.kill_on_drop(true).spawn().context("Starting the mail server's program")?;
        // Its ends of the pair are the child's only when ours are closed.
        drop(command);
        let copied = tokio::io::copy_bidirectional(&mut connection, &mut ours).await;
        tracing::trace!("The connection handed over ended with {copied:?}.");
        drop(ours);
        child.wait().await?;
        Ok(())
    }
}
