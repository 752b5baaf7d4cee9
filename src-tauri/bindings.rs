//! `cargo run -p answerback --example bindings [-- --check]`: the TypeScript side of the commands.

use std::{fs, path::Path, process::ExitCode};

use anyhow::{Context, bail};
use specta_typescript::Typescript;

fn main() -> ExitCode {
    match write_or_check(std::env::args().any(|argument| argument == "--check")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "this is a program for the terminal")]
            {
                eprintln!("{error:#}");
            }
            ExitCode::FAILURE
        }
    }
}

fn write_or_check(check: bool) -> anyhow::Result<()> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui/src/lib/bindings.ts");
    let fresh = std::env::temp_dir().join(format!("answerback-bindings-{}.ts", std::process::id()));
    answerback_desktop::interface()
        .export(Typescript::default(), &fresh)
        .context("The bindings could not be made")?;
    let wanted = fs::read_to_string(&fresh)?;
    fs::remove_file(&fresh)?;
    if check {
        if fs::read_to_string(&file).unwrap_or_default() != wanted {
            bail!("ui/src/lib/bindings.ts is stale: run `cargo xtask bindings`");
        }
    } else {
        fs::write(&file, wanted)?;
    }
    Ok(())
}
