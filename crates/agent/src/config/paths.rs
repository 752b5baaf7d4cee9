//! Where things are when nobody says otherwise.

use std::path::PathBuf;

use etcetera::app_strategy::{AppStrategy, AppStrategyArgs, choose_native_strategy};

/// The platform's place for the configuration file. `None` when the user has no home folder.
pub fn config_file() -> Option<PathBuf> {
    Some(choose_native_strategy(names()).ok()?.config_dir().join("config.toml"))
}

/// The platform's place for the store. `None` when the user has no home folder.
pub fn data_dir() -> Option<PathBuf> {
    Some(choose_native_strategy(names()).ok()?.data_dir())
}

/// The platform's place for what can be made anew. `None` when the user has no home folder.
pub fn cache_dir() -> Option<PathBuf> {
    Some(choose_native_strategy(names()).ok()?.cache_dir())
}

fn names() -> AppStrategyArgs {
    AppStrategyArgs {
        top_level_domain: "app".into(),
        author: "answerback".into(),
        app_name: "answerback".into(),
    }
}
