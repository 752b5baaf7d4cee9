//! The newly written text of a message, fetched from the mailbox while somebody looks at it. It is never kept.

use std::time::Duration;

use answerback_mailbox::{Error, Event, Mailbox, MessageRef, WatchOptions, ews, graph, imap};
use answerback_reply::text;

use super::Agent;
use crate::config::{AccountConfig, Server};
use crate::credentials::GraphTokens;
use crate::judging::BODY_PREFIX;
use crate::view::{MessageText, Problem};

/// The longest that somebody who looks at a message is kept waiting.
const PATIENCE: Duration = Duration::from_secs(30);
/// More is not shown: nobody reads it here, and a window chokes on it.
const MOST_CHARS: usize = 20_000;

impl Agent {
    /// What the author newly wrote, without quotes, signature and disclaimer.
    ///
    /// # Errors
    /// The message, its mailbox or its folder is no longer there, or the server can't be reached.
    pub async fn message_text(&self, id: i64) -> Result<MessageText, Problem> {
        let (row, _send) = self.verdict(id).await?;
        let mut accounts = self.context.config().accounts.into_iter();
        let account = accounts.find(|account| account.id() == row.account).ok_or_else(gone)?;
        let at: MessageRef = serde_json::from_str(&row.message_ref).map_err(|_not_ours| gone())?;
        let server = account.server_name();
        let fetched = tokio::time::timeout(PATIENCE, self.fetch(&account, &at, &server)).await;
        let raw = fetched.map_err(|_late| {
            Problem::new(
                "timed_out",
                &server,
                format!("{server} does not answer."),
                "Check your network and try again.",
            )
        })??;
        Ok(shown(text::newly_written(&raw.ok_or_else(gone)?)))
    }

    async fn fetch(
        &self,
        account: &AccountConfig,
        at: &MessageRef,
        server: &str,
    ) -> Result<Option<Vec<u8>>, Problem> {
        let proxy = self.context.credentials.proxy(&self.context.config().network).await?;
        let (credentials, options) = (&self.context.credentials, WatchOptions::default());
        match account.server() {
            Server::Imap(imap) => {
                let settings = imap.settings(&account.address, proxy);
                let credential = credentials.of(account).await?;
                let fetched = async {
                    let mailbox = imap::connect(&settings, &credential, options, Vec::new()).await?;
                    fetch_from(mailbox, at).await
                };
                fetched.await.map_err(|error| Problem::of_mailbox(&error, server))
            }
            Server::Ews(ews) => {
                let settings = ews.settings(&account.address, proxy);
                let credential = credentials.of(account).await?;
                let fetched = async {
                    let mailbox = ews::connect(&settings, &credential, options, Vec::new()).await?;
                    fetch_from(mailbox, at).await
                };
                fetched.await.map_err(|error| Problem::of_server(&error, account.server(), server))
            }
            Server::Graph(graph) => {
                let tokens = GraphTokens::new(credentials, account);
                let fetched = async {
                    let mailbox =
                        graph::connect(&graph.settings(proxy), &tokens, options, Vec::new()).await?;
                    fetch_from(mailbox, at).await
                };
                fetched.await.map_err(|error| tokens.explain(&error, server))
            }
        }
    }
}

async fn fetch_from(mut mailbox: impl Mailbox, at: &MessageRef) -> Result<Option<Vec<u8>>, Error> {
    // It has to know its folders first.
    while !matches!(mailbox.next().await?, Event::Connected { .. }) {}
    let raw = mailbox.body(at, BODY_PREFIX).await?;
    mailbox.close().await;
    Ok(raw)
}

fn shown(text: String) -> MessageText {
    match text.char_indices().nth(MOST_CHARS) {
        Some((end, _)) => MessageText { text: text.get(..end).unwrap_or_default().to_owned(), cut: true },
        None => MessageText { text, cut: false },
    }
}

fn gone() -> Problem {
    Problem::new(
        "message_gone",
        "",
        "The message is no longer where it was found.",
        "Look for it in your mail program: it was moved or deleted.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_very_long_text_is_cut_between_two_characters() {
        assert_eq!(shown("Yes, please.".into()), MessageText { text: "Yes, please.".into(), cut: false });
        let long = shown("é".repeat(MOST_CHARS + 1));
        assert_eq!((long.text.chars().count(), long.cut), (MOST_CHARS, true));
    }
}
