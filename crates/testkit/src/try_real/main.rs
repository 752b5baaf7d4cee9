//! `answerback-try-real`: the suite on somebody's own mailbox or organisation, for `cargo xtask try-real`.
#![cfg_attr(unix, allow(clippy::print_stdout, reason = "a program that prints its report"))]

#[cfg(unix)]
mod crm;
#[cfg(unix)]
mod mailbox;
#[cfg(unix)]
mod report;
#[cfg(unix)]
mod settings;

#[cfg(unix)]
#[tokio::main]
async fn main() -> anyhow::Result<std::process::ExitCode> {
    use std::path::PathBuf;
    use std::process::ExitCode;

    use answerback_backend::{hubspot, salesforce};
    use clap::{Parser as _, ValueEnum};

    use self::crm::{SETTLED, Trial};
    use self::settings::{Door, Missing, Settings};

    /// The suite on a real mailbox or organisation.
    #[derive(Debug, clap::Parser)]
    struct Args {
        /// What to try
        what: What,
        /// A file with the settings; docs/real-services.md says what is in it
        #[arg(long, env = "ANSWERBACK_TRY_REAL", value_name = "FILE")]
        settings: Option<PathBuf>,
        /// Over a mailbox: only rows whose name contains one of these
        #[arg(long, value_name = "WORD")]
        only: Vec<String>,
    }

    #[derive(Clone, Copy, Debug, ValueEnum)]
    enum What {
        Graph,
        Ews,
        Salesforce,
        Hubspot,
    }

    let args = Args::parse();
    let settings = match &args.settings {
        Some(path) => Settings::read(path)?,
        None => Settings::default(),
    };
    let refuse = |missing: Missing| {
        let file = args.settings.as_ref().map_or_else(
            || "a file that --settings or ANSWERBACK_TRY_REAL names".to_owned(),
            |path| path.display().to_string(),
        );
        println!("Nothing was tried. What is missing in {file}:\n");
        missing.iter().for_each(|line| println!("  {line}"));
        println!("\ndocs/real-services.md has an example.");
        Ok(ExitCode::from(2))
    };
    let run = format!("answerback-try-{:06x}", fastrand::u32(..0x100_0000));
    let well = match args.what {
        What::Graph | What::Ews => {
            let door = if matches!(args.what, What::Graph) { Door::Graph } else { Door::Ews };
            match settings.mailbox(door)? {
                Ok(mailbox) => mailbox::run(mailbox, &run, &args.only).await?,
                Err(missing) => return refuse(missing),
            }
        }
        What::Salesforce => match settings.salesforce()? {
            Ok((settings, contact)) => {
                let connector = |settings: salesforce::Settings| -> anyhow::Result<_> {
                    let grant = settings.grant()?;
                    Ok(salesforce::Connector::new(settings, grant)?.settled_after(SETTLED))
                };
                let keyless = salesforce::Settings { key_field: "No_Such__c".to_owned(), ..settings.clone() };
                let (crm, keyless) = (connector(settings)?, connector(keyless)?);
                Trial { crm, keyless, contact, forgives: true, run }.run().await
            }
            Err(missing) => return refuse(missing),
        },
        What::Hubspot => match settings.hubspot()? {
            Ok((settings, contact)) => {
                let connector = |settings: hubspot::Settings| -> anyhow::Result<_> {
                    let token = settings.secret()?;
                    Ok(hubspot::Connector::new(settings, token)?.settled_after(SETTLED))
                };
                let keyless = hubspot::Settings { key_property: "no_such".to_owned(), ..settings.clone() };
                let (crm, keyless) = (connector(settings)?, connector(keyless)?);
                Trial { crm, keyless, contact, forgives: false, run }.run().await
            }
            Err(missing) => return refuse(missing),
        },
    };
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(not(unix))]
fn main() {}
