//! The commands, one file each, and the tree that they hang on.

pub mod access;
pub mod audit;
pub mod backup;
pub mod check;
pub mod completions;
pub mod connection;
pub mod connector;
pub mod debug;
pub mod decide;
pub mod demo;
pub mod dev;
pub mod doctor;
pub mod exception;
pub mod init;
pub mod intent;
pub mod intent_type;
mod key_file;
pub mod measure;
pub mod override_;
pub mod ownership;
pub mod password;
pub mod people;
pub mod policy;
pub mod rules;
pub mod serve;
pub mod token;
pub mod version;

use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// An engine that coordinates approvals.
#[derive(Debug, Parser)]
#[command(name = "countersign", version, about, arg_required_else_help = true)]
pub struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command understands.
#[derive(Debug, Clone, clap::Args)]
pub struct Global {
    /// Configuration file, instead of ./countersign.toml
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print JSON, as the API has it
    #[arg(long, global = true)]
    pub json: bool,
    /// Address of the host
    #[arg(long, global = true, env = "COUNTERSIGN_URL", value_name = "URL")]
    pub url: Option<String>,
    /// Token that says who you are
    #[arg(long, global = true, env = "COUNTERSIGN_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// Say less
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run real flows with faults against stand-ins, and report on consistency
    Demo(demo::Demo),
    /// Run a development server: starter rules, tokens printed, loopback only
    Dev(dev::Dev),
    /// Run the host
    Serve(serve::Serve),
    /// Write a commented configuration and the starter rules
    Init(init::Init),
    /// Check configuration and rules, all problems at once
    Check(check::Check),
    /// Look at clock, disk, files, connections and toolchain
    Doctor(doctor::Doctor),
    /// Ask for something, and see where it stands
    #[command(subcommand)]
    Intent(intent::Intent),
    /// See what can be asked for, and let a draft go live with a second person
    #[command(subcommand)]
    IntentType(intent_type::IntentType),
    /// Prove policies, try them on what was decided, publish them with a second person
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// See what all policies share, and publish a changed people.md, routes.md or intent type with a second person
    #[command(subcommand)]
    Rules(rules::Rules),
    /// Decide in your seat
    Decide(decide::Decide),
    /// Decide against the policy, with a reason and evidence
    Override(override_::Override),
    /// Decide alone in an emergency: loud, for some hours, and looked at afterwards
    BreakGlass(override_::BreakGlass),
    /// See and close what the normal path could not settle
    #[command(subcommand)]
    Exception(exception::Exception),
    /// Show figures over the log: how many, how long, how often otherwise than planned, and what leaks
    Measure(measure::Measure),
    /// Print who answers for what, with the times of seats and exceptions, and what hangs on one person; ends
    /// with 1 if something is lacking
    Ownership(ownership::Ownership),
    /// See who is there, and what absences mean for the routes
    #[command(subcommand)]
    People(people::People),
    /// See what each person may do, and review whether they still should
    #[command(subcommand)]
    Access(access::Access),
    /// See what keeps anything from being written to a target, and stop or resume that yourself
    #[command(subcommand)]
    Connection(connection::Connection),
    /// Build, inspect and install connectors
    #[command(subcommand)]
    Connector(connector::Connector),
    /// Make, list and revoke API tokens
    #[command(subcommand)]
    Token(token::Token),
    /// Give people passwords, on a host without an identity provider
    #[command(subcommand)]
    Password(password::Password),
    /// Verify the log and prove what stands in it
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Back a host up while it runs, look into a backup, put one back
    #[command(subcommand)]
    Backup(backup::Backup),
    /// Collect what somebody needs who is asked for help
    #[command(subcommand)]
    Debug(debug::Debug),
    /// Print completions for a shell
    Completions(completions::Completions),
    /// Say which version this is
    Version(version::Version),
}

/// Runs the command that the arguments name.
///
/// # Errors
/// What the command could not do; [`crate::output::explain`] says it and picks the exit code.
pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let global = arguments.global;
    match arguments.command {
        Command::Demo(command) => demo::run(command, &global).await,
        Command::Dev(command) => dev::run(command, &global).await,
        Command::Serve(command) => serve::run(command, &global).await,
        Command::Init(command) => init::run(command, &global),
        Command::Check(command) => check::run(command, &global).await,
        Command::Doctor(command) => doctor::run(command, &global).await,
        Command::Intent(command) => intent::run(command, &global).await,
        Command::IntentType(command) => intent_type::run(command, &global).await,
        Command::Policy(command) => policy::run(command, &global).await,
        Command::Rules(command) => rules::run(command, &global).await,
        Command::Decide(command) => decide::run(command, &global).await,
        Command::Override(command) => override_::run(command, &global).await,
        Command::BreakGlass(command) => override_::break_glass(command, &global).await,
        Command::Exception(command) => exception::run(command, &global).await,
        Command::Measure(command) => measure::run(command, &global).await,
        Command::Ownership(command) => ownership::run(command, &global).await,
        Command::People(command) => people::run(command, &global).await,
        Command::Access(command) => access::run(command, &global).await,
        Command::Connection(command) => connection::run(command, &global).await,
        Command::Connector(command) => connector::run(command, &global).await,
        Command::Token(command) => token::run(command, &global),
        Command::Password(command) => password::run(command, &global),
        Command::Audit(command) => audit::run(command, &global).await,
        Command::Backup(command) => backup::run(command, &global).await,
        Command::Debug(command) => debug::run(command, &global).await,
        Command::Completions(command) => completions::run(command),
        Command::Version(command) => version::run(command, &global),
    }
}

#[cfg(test)]
mod tests;
