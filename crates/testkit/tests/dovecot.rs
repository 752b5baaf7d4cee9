//! A real Dovecot, started and stopped by us.
#![cfg(unix)]

use answerback_testkit::dovecot::{Dovecot, Format};
use jiff::Timestamp;

const REP: &str = "rep@sales.example";
const MAIL: &[u8] = b"Message-ID: <r1@flynnsarcade.com>\r\nSubject: Re: Space Paranoids\r\n\r\n.Yes!\r\n";

#[tokio::test]
async fn mail_arrives_is_filed_and_flagged_and_all_of_it_goes_away() {
    let dovecot = Dovecot::start("secret").await.unwrap();
    dovecot.deliver(REP, MAIL).await.unwrap();
    dovecot.deliver_into(REP, "Prospects", MAIL).await.unwrap();
    let received_at = "2026-11-01T10:00:00Z".parse::<Timestamp>().unwrap();
    dovecot.append(REP, "Sent", MAIL, &["\\Seen"], received_at).await.unwrap();
    let before = dovecot.snapshot(REP).await.unwrap();
    assert_eq!(before.count(), 3);
    assert_eq!(before.flags("Prospects").len(), 1);
    assert!(before.flags("Sent")[0].contains("\\Seen"));
    assert_eq!(dovecot.snapshot(REP).await.unwrap(), before, "looking changes nothing");
    dovecot.add_flags(REP, "INBOX", "uid 1", &["\\Seen", "\\Flagged"]).await.unwrap();
    assert!(dovecot.snapshot(REP).await.unwrap().flags("INBOX")[0].contains("\\Seen"));
    dovecot.move_messages(REP, "INBOX", "all", "Archive").await.unwrap();
    dovecot.expunge(REP, "Sent", "all").await.unwrap();
    let after = dovecot.snapshot(REP).await.unwrap();
    assert_eq!((after.flags("INBOX").len(), after.flags("Archive").len(), after.count()), (0, 1, 2));
    let folder = dovecot.ca_file().parent().unwrap().parent().unwrap().to_owned();
    assert!(folder.exists());
    drop(dovecot);
    assert!(!folder.exists());
}

#[tokio::test]
async fn the_other_formats_work_too() {
    for format in [Format::Sdbox, Format::Mdbox] {
        let dovecot = Dovecot::start_with("secret", format).await.unwrap();
        dovecot.deliver(REP, MAIL).await.unwrap();
        assert_eq!(dovecot.snapshot(REP).await.unwrap().count(), 1, "{format:?}");
    }
}
