//! What Microsoft Graph and EWS share, both being doors to an Exchange mailbox: folders that give a link to what comes next,
//! and messages of which the server makes the header known.

pub(crate) mod connection_test;
pub(crate) mod cursor;
pub(crate) mod folder;
pub(crate) mod header;
pub(crate) mod pace;
pub(crate) mod pause;
pub(crate) mod plan;
pub(crate) mod web;
