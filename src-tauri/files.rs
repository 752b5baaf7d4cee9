//! Where the app keeps what is its own.

use std::path::{Path, PathBuf};

use answerback_agent::config;
use anyhow::Context;

use crate::Arguments;

/// The files and folders of one app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The configuration, which names the store.
    pub config: PathBuf,
    /// What the rep prefers about the window.
    pub preferences: PathBuf,
    /// Where the window was when it was closed.
    pub window: PathBuf,
    /// Where the web view keeps its caches. (A web view that keeps nothing at all can't be driven by WebDriver.)
    pub web_view: PathBuf,
    /// It runs on a configuration of its own, beside which everything is; it is not *the* app of this computer.
    pub own_configuration: bool,
}

impl Files {
    /// Where the arguments say, or the platform.
    ///
    /// # Errors
    /// The user has no home folder.
    pub fn of(arguments: &Arguments) -> anyhow::Result<Self> {
        if let Some(file) = &arguments.config {
            return Ok(Self::new(file, file.with_file_name("webview"), true));
        }
        let nowhere = "There is no home folder to keep the configuration in";
        let (file, cache) = (config::config_file().context(nowhere)?, config::cache_dir().context(nowhere)?);
        Ok(Self::new(&file, cache.join("webview"), false))
    }

    fn new(config: &Path, web_view: PathBuf, own_configuration: bool) -> Self {
        Self {
            config: config.to_owned(),
            preferences: config.with_file_name("window.json"),
            window: config.with_file_name("window-place.json"),
            web_view,
            own_configuration,
        }
    }
}
