//! `answerback`: the desktop agent and its window.
#![forbid(unsafe_code)]
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

use std::process::ExitCode;

use answerback_desktop::Arguments;
use clap::Parser;

fn main() -> ExitCode {
    answerback_desktop::run(Arguments::parse())
}
