//! Watches a mailbox and prints what it reports: `watch HOST PORT tls|starttls|none USER [CA_FILE]`, with the password
//! in `IMAP_PASSWORD`. Old mail of the last `DAYS` days is read first (default: none).
#![allow(clippy::print_stdout, reason = "an example talks to its user")]

use answerback_mailbox::imap::{connect, test_connection};
use answerback_mailbox::{
    Credential, Error, ErrorKind, Event, ImapSettings, Mailbox, ProxyChoice, Security, WatchOptions,
};
use jiff::{SignedDuration, Timestamp};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let mut args = std::env::args().skip(1);
    let mut next =
        |what: &str| args.next().ok_or_else(|| Error::new(ErrorKind::Settings, format!("{what} is missing")));
    let settings = ImapSettings {
        host: next("host")?,
        port: next("port")?.parse().unwrap_or(993),
        security: match next("security")?.as_str() {
            "none" => Security::None,
            "starttls" => Security::StartTls,
            _ => Security::Tls,
        },
        username: next("user")?,
        ca_file: next("CA file").ok().map(Into::into),
        proxy: ProxyChoice::default(),
    };
    let credential = Credential::from(std::env::var("IMAP_PASSWORD").unwrap_or_default().as_str());
    for step in test_connection(&settings, &credential).await {
        println!("{:?}: {:?}", step.kind, step.outcome);
    }
    let days = std::env::var("DAYS").ok().and_then(|days| days.parse::<i64>().ok());
    let since =
        days.and_then(|days| Timestamp::now().checked_sub(SignedDuration::from_hours(days * 24)).ok());
    let options = WatchOptions { since, ..WatchOptions::default() };
    let mut mailbox = connect(&settings, &credential, options, Vec::new()).await?;
    let mut total = 0;
    loop {
        match mailbox.next().await? {
            Event::Batch(batch) => {
                total += batch.messages.len();
                println!(
                    "{}: {} new, cursor {}",
                    batch.folder.name,
                    batch.messages.len(),
                    batch.cursor.state
                );
                if let Some(message) = batch.messages.first() {
                    let body = mailbox.body(&message.at, 65536).await?;
                    println!(
                        "  first: {} bytes of header, {:?} of body",
                        message.header.len(),
                        body.map(|b| b.len())
                    );
                }
            }
            Event::Idle => println!("idle after {total} messages"),
            event => println!("{event:?}"),
        }
    }
}
