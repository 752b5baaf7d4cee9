//! Being told at once when something comes, instead of only asking now and then.

use std::time::{Duration, Instant};

use super::http::{self, Client};
use super::request;
use super::response::{self, child, text_of};

/// After a failure, questions at intervals have to do for so long.
const AGAIN_AFTER: Duration = Duration::from_secs(60);

/// No notification is longer.
const LIMIT: usize = 1024 * 1024;

/// What the last part of an answer ends with, whatever its prefix.
const END: &[u8] = b"Envelope>";

/// The stream of notifications, while there is one. Where it can't be had nothing fails: the mailbox is asked all the same.
#[derive(Default)]
pub(super) struct Notifications {
    stream: Option<Stream>,
    not_before: Option<Instant>,
}

struct Stream {
    http: http::Stream,
    unread: Vec<u8>,
}

/// What a part of the stream says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// It is still there.
    Alive,
    /// Something came.
    News,
    /// It ends, or never was.
    End,
}

impl Notifications {
    /// Whether there is a stream.
    pub(super) fn are_open(&self) -> bool {
        self.stream.is_some()
    }

    /// Subscribes and opens the stream, unless there is one or it is too early to try again.
    pub(super) async fn open(&mut self, client: &Client) {
        if self.are_open() || self.not_before.is_some_and(|time| Instant::now() < time) {
            return;
        }
        self.not_before = Some(Instant::now() + AGAIN_AFTER);
        let id = |message: roxmltree::Node<'_, '_>| text_of(message, "SubscriptionId").map(str::to_owned);
        if let Ok(Ok(subscription)) = client.ask_one(&request::subscribe(), id).await
            && let Ok(http) = client.open_stream(&subscription).await
        {
            self.stream = Some(Stream { http, unread: Vec::new() });
        }
    }

    /// Waits until something came. Also returns when the stream ends, as something may have come meanwhile; never when
    /// there is none.
    pub(super) async fn heard(&mut self) {
        let Some(stream) = &mut self.stream else { return std::future::pending().await };
        loop {
            match stream.next().await {
                Part::Alive => {}
                Part::News => return,
                Part::End => break,
            }
        }
        self.stream = None;
    }
}

impl Stream {
    async fn next(&mut self) -> Part {
        loop {
            if let Some(at) = memchr::memmem::find_iter(&self.unread, END).find(|at| self.closes(*at)) {
                let part: Vec<u8> = self.unread.drain(..at + END.len()).collect();
                return read(&String::from_utf8_lossy(&part));
            }
            match self.http.answer.chunk().await {
                Ok(Some(chunk)) if self.unread.len() + chunk.len() <= LIMIT => {
                    self.unread.extend_from_slice(&chunk);
                }
                _ => return Part::End,
            }
        }
    }

    /// Whether the name that begins here (after its prefix) is that of a closing tag.
    fn closes(&self, at: usize) -> bool {
        let before = self.unread.get(..at).unwrap_or_default();
        let name = before.rsplit(|byte| *byte == b'<').next().unwrap_or_default();
        name.first() == Some(&b'/')
    }
}

/// One envelope of the stream.
fn read(text: &str) -> Part {
    let part = response::read(text, 200, |message| {
        let events = child(message, "Notifications").into_iter().flat_map(|all| all.children());
        let mut events =
            events.flat_map(|notification| notification.children()).filter(roxmltree::Node::is_element);
        // StatusEvent says that nothing has come.
        let news = events.any(|event| {
            let name = event.tag_name().name();
            name.ends_with("Event") && name != "StatusEvent"
        });
        Some(match text_of(message, "ConnectionStatus") {
            Some("Closed") => Part::End,
            _ if news => Part::News,
            _ => Part::Alive,
        })
    });
    match part {
        Some(Ok(parts)) => parts.into_iter().next().and_then(Result::ok).unwrap_or(Part::End),
        _ => Part::End,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(content: &str) -> String {
        format!(
            "<Envelope><Body><GetStreamingEventsResponse><ResponseMessages><GetStreamingEventsResponseMessage \
             ResponseClass=\"Success\"><ResponseCode>NoError</ResponseCode>{content}</GetStreamingEventsResponseMessage>\
             </ResponseMessages></GetStreamingEventsResponse></Body></Envelope>"
        )
    }

    #[test]
    fn parts_are_told_apart() {
        let notification = |events: &str| {
            envelope(&format!(
                "<Notifications><Notification><SubscriptionId>s</SubscriptionId>{events}</Notification></Notifications>"
            ))
        };
        for (text, part) in [
            (envelope("<ConnectionStatus>OK</ConnectionStatus>"), Part::Alive),
            (envelope("<ConnectionStatus>Closed</ConnectionStatus>"), Part::End),
            (notification("<StatusEvent/>"), Part::Alive),
            (notification("<CreatedEvent/><NewMailEvent/>"), Part::News),
            (envelope("").replace("Success", "Error"), Part::End),
            ("<html/>".to_owned(), Part::End),
        ] {
            assert_eq!(read(&text), part, "{text}");
        }
    }
}
