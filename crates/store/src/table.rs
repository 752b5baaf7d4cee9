//! One file a table.

pub mod account;
pub mod crm_record;
pub mod event;
pub mod folder;
pub mod learned;
pub mod send;
pub mod setting;
pub mod verdict;
