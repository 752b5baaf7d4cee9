//! One suite against every server: the real ones that can run here, and the scripted one with the ways of the big
//! providers. Its outcome is the table in `docs/mailbox.md`, which must be true.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's helpers may panic like the test")]

mod cases;
#[path = "../common/mod.rs"]
mod common;
mod site;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::task::JoinSet;

use self::cases::Mark;
use self::site::Site;

const BEGIN: &str = "<!-- begin: table of servers -->\n";
const END: &str = "<!-- end: table of servers -->";
/// Every case comes to its end within this time.
const LIMIT: Duration = Duration::from_secs(150);
/// The rows, in the table's order.
const FEATURES: &[&str] = &[
    "TLS from the first byte",
    "STARTTLS",
    "a wrong password is told apart",
    "old mail of every folder, since a day",
    "Sent, Spam and Trash recognised, Drafts left out",
    "folder names with levels and any letters",
    "new mail in INBOX",
    "mail filed into another folder",
    "a message moved",
    "messages deleted meanwhile",
    "a folder made later",
    "a folder made anew (UIDVALIDITY)",
    "cut connections: nothing lost, nothing twice",
    "a slow link is compressed",
    "the first bytes of a body, exactly",
    "odd headers, byte for byte",
    "thread ids",
    "coverage",
    "the mailbox is left untouched",
];

async fn outcome(site: &Site, feature: &str) -> Result<Mark> {
    let place = site.mailbox().await?;
    let place = &place;
    match feature {
        "TLS from the first byte" => cases::tls(place).await,
        "STARTTLS" => cases::starttls(place).await,
        "a wrong password is told apart" => cases::wrong_password(place).await,
        "old mail of every folder, since a day" => cases::old_mail(place).await,
        "Sent, Spam and Trash recognised, Drafts left out" => cases::roles(place).await,
        "folder names with levels and any letters" => cases::names(place).await,
        "new mail in INBOX" => cases::new_mail(place).await,
        "mail filed into another folder" => cases::filed(place).await,
        "a message moved" => cases::moved(place).await,
        "messages deleted meanwhile" => cases::deleted(place).await,
        "a folder made later" => cases::later_folder(place).await,
        "a folder made anew (UIDVALIDITY)" => cases::renumbered(place).await,
        "cut connections: nothing lost, nothing twice" => cases::cut(place).await,
        "a slow link is compressed" => cases::slow_link(place).await,
        "the first bytes of a body, exactly" => cases::bodies(place).await,
        "odd headers, byte for byte" => cases::odd_headers(place).await,
        "thread ids" => cases::thread_ids(place).await,
        "coverage" => cases::coverage(place).await,
        "the mailbox is left untouched" => cases::untouched(place).await,
        _ => anyhow::bail!("no such case"),
    }
}

/// `BLESS=1` writes the table; without it a table that is not true is a failure.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_table_of_servers_in_the_docs_is_true() {
    let sites = Site::all().await.unwrap().into_iter().map(Arc::new).collect::<Vec<_>>();
    let mut running = JoinSet::new();
    for (column, site) in sites.iter().enumerate() {
        // Where there is no IDLE this one waits for a minute.
        let slow = "new mail in INBOX";
        for features in [vec![slow], FEATURES.iter().copied().filter(|f| *f != slow).collect()] {
            let site = Arc::clone(site);
            running.spawn(async move {
                let mut outcomes = Vec::new();
                for feature in features {
                    let limited = tokio::time::timeout(LIMIT, outcome(&site, feature)).await;
                    let outcome = limited.unwrap_or_else(|_| Err(anyhow::anyhow!("it never ends")));
                    println!("{}, {feature}: {outcome:?}", site.name);
                    outcomes.push((feature, column, outcome));
                }
                outcomes
            });
        }
    }
    let mut cells = BTreeMap::new();
    let mut failed = Vec::new();
    while let Some(outcomes) = running.join_next().await {
        for (feature, column, outcome) in outcomes.unwrap() {
            match outcome {
                Ok(mark) => drop(cells.insert((feature, column), mark)),
                Err(error) => failed.push(format!("{}, {feature}: {error:#}", sites[column].name)),
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    let table = table(&sites, &cells);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/mailbox.md");
    let docs = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = docs.split_once(BEGIN).expect("the docs have a place for the table");
    let (written, after) = rest.split_once(END).expect("the docs have a place for the table");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
    } else {
        assert_eq!(written, table, "run this test with BLESS=1 if the change is meant");
    }
}

fn table(sites: &[Arc<Site>], cells: &BTreeMap<(&str, usize), Mark>) -> String {
    let row = |first: &str, rest: Vec<&str>| format!("| {first} | {} |\n", rest.join(" | "));
    let mut table = row("", sites.iter().map(|site| site.name).collect());
    table.push_str(&row("---", vec!["---"; sites.len()]));
    for feature in FEATURES {
        table.push_str(&row(feature, (0..sites.len()).map(|column| cells[&(*feature, column)]).collect()));
    }
    table
}
