//! What every server must let us do.

use std::time::Duration;

use answerback_mailbox::{ErrorKind, Event, FolderRole, ImapMailbox, Mailbox, Security};
use answerback_testkit::bad_network::{Proxy, Trouble};
use answerback_testkit::mail_client::MailClient;
use anyhow::{Context as _, Result, bail, ensure};
use jiff::Timestamp;

use crate::common::{LONG_THREADS, Owner, PASSWORD, SLOW, long_thread, mail};
use crate::site::Place;

/// What stands in the table.
pub type Mark = &'static str;

/// It works.
pub const YES: Mark = "✓";
/// The server has no such thing.
pub const NO: Mark = "–";

const OLD: &str = "2026-01-01T00:00:00Z";
const SINCE: &str = "2026-11-01T00:00:00Z";
const RECENT: &str = "2026-11-20T00:00:00Z";

fn at(time: &str) -> Result<Timestamp> {
    Ok(time.parse()?)
}

async fn open(owner: &Owner, place: &Place<'_>) -> Result<ImapMailbox> {
    Ok(owner.connect(&place.settings(Security::Tls), PASSWORD).await?)
}

/// A watched mailbox of which everything has been read.
async fn caught_up(place: &Place<'_>) -> Result<(Owner, ImapMailbox)> {
    let mut owner = Owner::since(SINCE);
    let mut mailbox = open(&owner, place).await?;
    owner.until_idle(&mut mailbox).await?;
    Ok((owner, mailbox))
}

/// Takes events until a message with this subject has come out of this folder.
async fn until_found(
    owner: &mut Owner,
    mailbox: &mut ImapMailbox,
    folder: &str,
    subject: &str,
    limit: u64,
) -> Result<()> {
    let found = async {
        while !owner.subjects(folder).contains(&subject) {
            owner.take(mailbox.next().await?);
        }
        Ok(())
    };
    tokio::time::timeout(Duration::from_secs(limit), found)
        .await
        .with_context(|| format!("{subject} was not found in {folder}"))?
}

/// Takes events until coverage has been claimed so many times.
async fn until_claimed(owner: &mut Owner, mailbox: &mut ImapMailbox, times: usize) -> Result<()> {
    let claimed = async {
        while owner.covered.len() < times {
            owner.take(mailbox.next().await?);
        }
        Ok(())
    };
    tokio::time::timeout(Duration::from_secs(60), claimed).await.context("nothing is claimed")?
}

async fn now(phone: &mut MailClient, folder: &str, subject: &str) -> Result<()> {
    phone.append(folder, &mail(subject), &[], Timestamp::now()).await
}

pub async fn tls(place: &Place<'_>) -> Result<Mark> {
    let mut mailbox = open(&Owner::default(), place).await?;
    let Event::Connected { security, folders } = mailbox.next().await? else { bail!("not connected first") };
    ensure!(security.starts_with("TLS 1."), "{security}");
    ensure!(folders.iter().any(|folder| folder.role == FolderRole::Inbox), "{folders:?}");
    mailbox.close().await;
    Ok(YES)
}

pub async fn starttls(place: &Place<'_>) -> Result<Mark> {
    let result = Owner::default().connect(&place.settings(Security::StartTls), PASSWORD).await;
    match result {
        Ok(mut mailbox) => {
            ensure!(matches!(mailbox.next().await?, Event::Connected { .. }));
            Ok(YES)
        }
        Err(error) if !place.site.has_starttls() && error.kind == ErrorKind::Unsupported => Ok(NO),
        Err(error) => Err(error.into()),
    }
}

pub async fn wrong_password(place: &Place<'_>) -> Result<Mark> {
    let error = Owner::default().connect(&place.settings(Security::Tls), "wrong").await.err();
    let error = error.context("any password will do")?;
    ensure!(error.kind == ErrorKind::WrongPassword, "{error:?}");
    Ok(YES)
}

pub async fn old_mail(place: &Place<'_>) -> Result<Mark> {
    let mut phone = place.phone().await?;
    let (junk, archive) = (place.folder(FolderRole::Junk)?, place.folder(FolderRole::Archive)?);
    phone.append("INBOX", &mail("too-old"), &[], at(OLD)?).await?;
    // More than one FETCH asks for.
    for n in 0..520 {
        phone.append(&archive, &mail(&format!("m{n}")), &["\\Seen"], at(RECENT)?).await?;
    }
    phone.append(&junk, &mail("spam"), &[], at(RECENT)?).await?;
    let (owner, mailbox) = caught_up(place).await?;
    mailbox.close().await;
    let mut subjects = owner.subjects(&archive);
    let handed_over = subjects.len();
    subjects.sort_unstable();
    subjects.dedup();
    ensure!((subjects.len(), handed_over) == (520, 520), "{} of 520, {handed_over} in all", subjects.len());
    ensure!(owner.subjects(&junk) == ["spam"], "{:?}", owner.subjects(&junk));
    ensure!(owner.subjects("INBOX").is_empty(), "too old");
    Ok(YES)
}

pub async fn roles(place: &Place<'_>) -> Result<Mark> {
    let mut phone = place.phone().await?;
    let drafts = place.folder(FolderRole::Drafts)?;
    phone.append(&drafts, &mail("draft"), &[], at(RECENT)?).await?;
    let mut mailbox = open(&Owner::since(SINCE), place).await?;
    let Event::Connected { folders, .. } = mailbox.next().await? else { bail!("not connected first") };
    ensure!(folders.iter().all(|folder| folder.name != drafts), "drafts are watched");
    let gmail = place.is_gmail();
    for role in [FolderRole::Sent, FolderRole::Junk, FolderRole::Trash] {
        let name = place.folder(role)?;
        let found = folders.iter().any(|folder| folder.name == name && folder.role == role);
        // At Gmail, All Mail shows what was sent.
        ensure!(found || (gmail && role == FolderRole::Sent), "{name} is not {role:?}: {folders:?}");
    }
    ensure!(!gmail || folders.iter().any(|folder| folder.role == FolderRole::All), "{folders:?}");
    Ok(YES)
}

pub async fn names(place: &Place<'_>) -> Result<Mark> {
    let mut phone = place.phone().await?;
    let name = place.path("Kunden/Zürich & Söhne");
    now(&mut phone, &name, "far").await?;
    if place.is_gmail() {
        // A label is no folder; what is in one is in All Mail as well.
        let (owner, _) = caught_up(place).await?;
        ensure!(owner.subjects(&name).is_empty(), "a label was read");
        return Ok(NO);
    }
    let (owner, mailbox) = caught_up(place).await?;
    mailbox.close().await;
    ensure!(owner.subjects(&name) == ["far"], "{:?}", owner.seen);
    Ok(YES)
}

pub async fn new_mail(place: &Place<'_>) -> Result<Mark> {
    let mut phone = place.phone().await?;
    let (mut owner, mut mailbox) = caught_up(place).await?;
    for subject in ["first", "second"] {
        now(&mut phone, "INBOX", subject).await?;
        until_found(&mut owner, &mut mailbox, "INBOX", subject, 100).await?;
        if !place.site.offers("IDLE") {
            return Ok("poll");
        }
    }
    Ok("IDLE")
}

pub async fn filed(place: &Place<'_>) -> Result<Mark> {
    let mut phone = place.phone().await?;
    let folder = place.folder(FolderRole::Archive)?;
    let (mut owner, mut mailbox) = caught_up(place).await?;
    now(&mut phone, &folder, "filed").await?;
    if place.site.offers("NOTIFY") {
        until_found(&mut owner, &mut mailbox, &folder, "filed", 30).await?;
        return Ok("NOTIFY");
    }
    // The next round comes within two minutes; a new connection begins with one.
    let mut mailbox = open(&owner, place).await?;
    until_found(&mut owner, &mut mailbox, &folder, "filed", 30).await?;
    Ok("round")
}

pub async fn moved(place: &Place<'_>) -> Result<Mark> {
    let mut phone = place.phone().await?;
    let folder = place.folder(FolderRole::Archive)?;
    let (mut owner, mailbox) = caught_up(place).await?;
    now(&mut phone, "INBOX", "moved").await?;
    let mut mailbox = if place.site.offers("IDLE") { mailbox } else { open(&owner, place).await? };
    until_found(&mut owner, &mut mailbox, "INBOX", "moved", 30).await?;
    let was_at = owner.found.last().context("nothing found")?.at.clone();
    phone.move_messages("INBOX", "1", &folder).await?;
    // Some servers still show a message to those who had the folder open before; it is the same then.
    let body = mailbox.body(&was_at, 4000).await?;
    ensure!(body.as_ref().is_none_or(|body| *body == mail("moved")), "{body:?}");
    let mut mailbox = open(&owner, place).await?;
    until_found(&mut owner, &mut mailbox, &folder, "moved", 30).await?;
    ensure!(mailbox.body(&was_at, 4000).await?.is_none(), "it is still there");
    Ok(YES)
}

pub async fn deleted(place: &Place<'_>) -> Result<Mark> {
    let mut phone = place.phone().await?;
    for n in 0..5 {
        now(&mut phone, "INBOX", &format!("n{n}")).await?;
    }
    let (mut owner, mailbox) = caught_up(place).await?;
    phone.expunge("INBOX", "2:4").await?;
    now(&mut phone, "INBOX", "after").await?;
    let mut mailbox = if place.site.offers("IDLE") { mailbox } else { open(&owner, place).await? };
    until_found(&mut owner, &mut mailbox, "INBOX", "after", 30).await?;
    // The newest one as well, which some servers judge UIDNEXT by.
    phone.expunge("INBOX", "1:*").await?;
    now(&mut phone, "INBOX", "last").await?;
    let mut mailbox = open(&owner, place).await?;
    until_found(&mut owner, &mut mailbox, "INBOX", "last", 30).await?;
    let expected = if place.is_gmail() { 2 } else { 7 };
    ensure!(owner.subjects("INBOX").len() == expected, "{:?}", owner.seen);
    Ok(YES)
}

pub async fn later_folder(place: &Place<'_>) -> Result<Mark> {
    if place.is_gmail() {
        return Ok(NO);
    }
    let mut phone = place.phone().await?;
    let (mut owner, mailbox) = caught_up(place).await?;
    mailbox.close().await;
    let name = place.path("New");
    now(&mut phone, &name, "in-a-new-folder").await?;
    let mut mailbox = open(&owner, place).await?;
    until_found(&mut owner, &mut mailbox, &name, "in-a-new-folder", 30).await?;
    Ok(YES)
}

pub async fn renumbered(place: &Place<'_>) -> Result<Mark> {
    if place.is_gmail() {
        return Ok(NO);
    }
    let mut phone = place.phone().await?;
    let name = place.path("Kept");
    now(&mut phone, &name, "before").await?;
    let (mut owner, mailbox) = caught_up(place).await?;
    mailbox.close().await;
    // UIDVALIDITY is the time in seconds on some servers.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    phone.delete(&name).await?;
    for subject in ["restored", "before"] {
        now(&mut phone, &name, subject).await?;
    }
    let mut mailbox = open(&owner, place).await?;
    until_found(&mut owner, &mut mailbox, &name, "restored", 30).await?;
    Ok(YES)
}

pub async fn cut(place: &Place<'_>) -> Result<Mark> {
    let mut phone = place.phone().await?;
    for n in 0..60 {
        phone.append(place.bulk(), &mail(&format!("m{n}")), &[], Timestamp::now()).await?;
    }
    let proxy = Proxy::start(place.port()).await?;
    // A little later each time, so that every part of a session is cut somewhere.
    proxy.plan(|connection| vec![Trouble::CutAfter(100 + 331 * connection)]);
    let mut settings = place.settings(Security::None);
    settings.port = proxy.port();
    let mut owner = Owner::since(SINCE);
    loop {
        ensure!(proxy.connections() < 400, "it never comes to its end");
        let Ok(mut mailbox) = owner.connect(&settings, PASSWORD).await else { continue };
        if owner.until_idle(&mut mailbox).await.is_ok() {
            break;
        }
    }
    let mut subjects = owner.subjects(place.bulk());
    let handed_over = subjects.len();
    subjects.sort_unstable();
    subjects.dedup();
    ensure!((subjects.len(), handed_over) == (60, 60), "{} of 60, {handed_over} in all", subjects.len());
    Ok(YES)
}

pub async fn slow_link(place: &Place<'_>) -> Result<Mark> {
    let mut phone = place.phone().await?;
    // The first folder shows that the link is slow, the second one is compressed.
    for folder in [place.bulk(), &place.folder(FolderRole::Junk)?] {
        for n in 0..LONG_THREADS {
            phone.append(folder, &long_thread(n), &[], Timestamp::now()).await?;
        }
    }
    let proxy = Proxy::start(place.port()).await?;
    proxy.plan(|_| vec![SLOW]);
    let mut settings = place.settings(Security::None);
    settings.port = proxy.port();
    let mut owner = Owner::since(SINCE);
    let mut mailbox = owner.connect(&settings, PASSWORD).await?;
    owner.until_idle(&mut mailbox).await?;
    ensure!(owner.seen.len() == 2 * LONG_THREADS, "{:?}", owner.seen);
    let whole: usize = owner.found.iter().map(|found| found.header.len()).sum();
    let compressed = proxy.passed() < whole as u64;
    ensure!(compressed == place.site.offers("COMPRESS=DEFLATE"), "{} bytes of {whole}", proxy.passed());
    Ok(if compressed { YES } else { NO })
}

pub async fn bodies(place: &Place<'_>) -> Result<Mark> {
    let mut phone = place.phone().await?;
    let mut raw = mail("long");
    raw.extend(b"A line with 8-bit: Gr\xc3\xb6\xc3\x9fe, and {3}\r\n)\r\na OK\r\n".repeat(3000));
    phone.append(place.bulk(), &raw, &[], Timestamp::now()).await?;
    let (owner, mut mailbox) = caught_up(place).await?;
    let at = &owner.found.first().context("nothing found")?.at;
    for wanted in [40, 65_536] {
        let body = mailbox.body(at, wanted).await?.context("no body")?;
        ensure!(Some(&body[..]) == raw.get(..wanted as usize), "{} bytes of {wanted}", body.len());
    }
    ensure!(mailbox.body(at, 1_000_000).await?.as_deref() == Some(&raw[..]), "not the whole message");
    ensure!(owner.found.first().and_then(|found| found.size) == Some(raw.len() as u64), "another size");
    Ok(YES)
}

pub async fn odd_headers(place: &Place<'_>) -> Result<Mark> {
    let mut phone = place.phone().await?;
    let ids = (0..40).map(|n| format!("<{n}.aaaaaaaaaaaaaaaaaaaaaaaaaaaa@mail.example>")).collect::<Vec<_>>();
    let references = format!("References: {}\r\n", ids.join("\r\n "));
    let odd = [
        format!("{references}From: a@b.example\r\nSubject: folded\r\n\r\nx\r\n"),
        "from: \"A \\\" {5}\" <a@b.example>\r\nSUBJECT: ends with {7}\r\n\r\n".to_owned(),
        "X-Nothing: that we want\r\n\r\nbody\r\n".to_owned(),
        "Subject: \r\nFrom: a@b.example\r\n\r\n".to_owned(),
        "From: a@b.example\r\nSubject: Grüße, 8-bit\r\n\r\n".to_owned(),
    ];
    for raw in &odd {
        phone.append(place.bulk(), raw.as_bytes(), &[], Timestamp::now()).await?;
    }
    let (owner, _) = caught_up(place).await?;
    let headers = owner.found.iter().map(|found| String::from_utf8_lossy(&found.header)).collect::<Vec<_>>();
    ensure!(headers.len() == odd.len(), "{headers:#?}");
    for (header, expected) in headers.iter().zip([
        references.as_str(),
        "from: \"A \\\" {5}\" <a@b.example>\r\nSUBJECT: ends with {7}\r\n",
        "\r\n",
        "Subject: \r\n",
        "Subject: Grüße, 8-bit\r\n",
    ]) {
        ensure!(header.contains(expected), "{expected:?} is not in {header:?}");
    }
    Ok(YES)
}

pub async fn thread_ids(place: &Place<'_>) -> Result<Mark> {
    let mut phone = place.phone().await?;
    now(&mut phone, &place.folder(FolderRole::Archive)?, "one").await?;
    let (owner, _) = caught_up(place).await?;
    let found = owner.found.first().context("nothing found")?;
    let scheme = found.thread_ids.first().and_then(|id| id.split_once(':')).map(|(scheme, _)| scheme);
    match (scheme, place.is_gmail(), place.site.offers("OBJECTID")) {
        (Some("gm"), true, _) => Ok("X-GM-THRID"),
        (Some("objectid"), _, true) => Ok("THREADID"),
        (None, false, false) => Ok(NO),
        (other, ..) => bail!("{other:?}"),
    }
}

pub async fn coverage(place: &Place<'_>) -> Result<Mark> {
    let mut phone = place.phone().await?;
    let begun = Timestamp::now();
    let (mut owner, mut mailbox) = caught_up(place).await?;
    until_claimed(&mut owner, &mut mailbox, 1).await?;
    now(&mut phone, "INBOX", "one").await?;
    let mut mailbox = open(&owner, place).await?;
    // What has arrived before a claimed time must have come before the claim.
    until_claimed(&mut owner, &mut mailbox, 2).await?;
    ensure!(owner.subjects("INBOX") == ["one"], "claimed without it: {:?}", owner.seen);
    ensure!(owner.covered.is_sorted() && owner.covered.iter().all(|time| *time < Timestamp::now()));
    ensure!(owner.covered.iter().all(|time| time.duration_since(begun).as_secs() > -5));
    Ok(YES)
}

pub async fn untouched(place: &Place<'_>) -> Result<Mark> {
    let mut phone = place.phone().await?;
    let folder = place.folder(FolderRole::Junk)?;
    phone.append(place.bulk(), &mail("unread"), &[], at(RECENT)?).await?;
    phone.append(&folder, &mail("flagged"), &["\\Flagged", "\\Seen"], at(RECENT)?).await?;
    let before = phone.snapshot().await?.without_recent();
    let (owner, mut mailbox) = caught_up(place).await?;
    for found in &owner.found {
        ensure!(mailbox.body(&found.at, 100).await?.is_some(), "no body");
    }
    mailbox.close().await;
    let after = place.phone().await?.snapshot().await?.without_recent();
    ensure!(before == after, "{before:#?} became {after:#?}");
    ensure!(before.count() == 2, "{before:#?}");
    Ok(YES)
}
