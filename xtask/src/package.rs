//! Packages to install: deb and rpm on Linux, what the platform has elsewhere.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use clap::Args;
use serde_json::{Value, json};

use crate::shell::{run, say};
use crate::window;
use crate::workspace::{APP_FEATURE, Workspace};

/// The public key that updates are signed with, as `tauri signer generate` prints it; and where the newest release is described.
const UPDATE_KEY: &str = "ANSWERBACK_UPDATE_KEY";
const UPDATE_URL: &str = "ANSWERBACK_UPDATE_URL";
/// Where Tauri looks for the other half of the key, to sign what it bundles.
const SIGNING_KEY: &str = "TAURI_SIGNING_PRIVATE_KEY";

/// What `package` can be told.
#[derive(Debug, Args)]
pub struct Package {
    /// Without optimisations and without the release's configuration, quickly, to try the package itself
    #[arg(long)]
    debug: bool,
}

/// Builds the packages, and says where they are.
///
/// # Errors
/// Something can't be installed or built.
pub fn package(workspace: &Workspace, args: &Package) -> anyhow::Result<()> {
    window::prepare(workspace)?;
    let mut build = workspace.cargo();
    build.args(["build", "--package", "answerback", "--bins", "--features", APP_FEATURE]);
    let mut bundle = Command::new(workspace.root.join("ui/node_modules/.bin/tauri"));
    bundle.current_dir(&workspace.root).args(["bundle", "--ci"]);
    if args.debug {
        bundle.arg("--debug");
    } else {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        let signed = variable(SIGNING_KEY).is_some();
        let updates = updates(variable(UPDATE_KEY), variable(UPDATE_URL), signed)?;
        let overlay = release(&workspace.root, updates)?.to_string();
        // Tauri lays it over tauri.conf.json: what is compiled in, and what the installers hold.
        build.arg("--release").env("TAURI_CONFIG", &overlay);
        bundle.args(["--config", &overlay]);
    }
    run(&mut build)?;
    run(&mut bundle)?;
    say_where(&workspace.target.join(if args.debug { "debug" } else { "release" }).join("bundle"))
}

/// How the release finds its updates, and what it holds them against; `None` where it has none.
fn updates(key: Option<String>, url: Option<String>, signed: bool) -> anyhow::Result<Option<Value>> {
    let (key, url) = match (key, url) {
        (None, None) => {
            say(&format!("{UPDATE_KEY} and {UPDATE_URL} are not set: these packages look for no updates."));
            return Ok(None);
        }
        (Some(key), Some(url)) => (key, url),
        _ => bail!("{UPDATE_KEY} and {UPDATE_URL} belong together; set both or none"),
    };
    if !url.starts_with("https://") {
        bail!("{UPDATE_URL} must begin with https://");
    }
    if !signed {
        bail!("{SIGNING_KEY} is not set: without a signature no installed release would take these packages");
    }
    Ok(Some(json!({
        "bundle": { "createUpdaterArtifacts": true },
        // A signature is for one version: an old release can't be passed off as a new one.
        "plugins": { "updater": { "pubkey": key, "endpoints": [url], "requireSignedVersion": true } },
    })))
}

/// The release's configuration, to lay over the usual one.
fn release(root: &Path, updates: Option<Value>) -> anyhow::Result<Value> {
    let path = root.join("tauri.release.conf.json");
    let wrong = || format!("{} can't be used", path.display());
    let text = std::fs::read_to_string(&path).with_context(wrong)?;
    let mut overlay: Value = serde_json::from_str(&text).with_context(wrong)?;
    if let (Some(overlay), Some(Value::Object(updates))) = (overlay.as_object_mut(), updates) {
        // It says nothing of bundles and plugins itself; a test of the window's configuration holds that.
        overlay.extend(updates);
    }
    Ok(overlay)
}

fn say_where(folder: &Path) -> anyhow::Result<()> {
    let nothing = || format!("There is nothing in {}", folder.display());
    for kind in std::fs::read_dir(folder).with_context(nothing)? {
        let kind = kind?.path();
        for file in std::fs::read_dir(&kind).with_context(nothing)? {
            let file = file?.path();
            if file.is_file() && file.extension() == kind.file_name().map(OsStr::new) {
                say(&file.display().to_string());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn updates_need_a_key_an_encrypted_way_and_a_signature_or_there_are_none() {
        let url = "https://updates.example/latest.json";
        assert!(updates(None, None, false).unwrap().is_none());
        assert!(updates(text("key"), None, true).is_err());
        assert!(updates(None, text(url), true).is_err());
        assert!(updates(text("key"), text("http://updates.example/latest.json"), true).is_err());
        assert!(updates(text("key"), text(url), false).is_err());
        let updates = updates(text("key"), text(url), true).unwrap().unwrap();
        let plugin = updates.pointer("/plugins/updater").unwrap();
        assert_eq!(plugin.get("pubkey").unwrap(), "key");
        assert_eq!(plugin.get("requireSignedVersion").unwrap(), true);
        assert!(!plugin.to_string().contains("dangerous"));
    }

    #[test]
    fn the_releases_configuration_keeps_what_stands_in_its_file() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let without = release(root, None).unwrap();
        assert!(without.get("plugins").is_none() && without.get("bundle").is_none());
        let with = release(root, updates(text("key"), text("https://u.example"), true).unwrap()).unwrap();
        assert_eq!(with.pointer("/app/security/devCsp"), Some(&Value::Null));
        assert!(with.pointer("/plugins/updater/pubkey").is_some());
    }
}
