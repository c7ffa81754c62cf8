//! The `mainstay` binary: parses the command line, resolves the configuration, runs one command, and answers with
//! an exit code (0 done, 1 failed while running, 2 command line or configuration must be changed).

use std::io::{self, Write};
use std::process::ExitCode;

use mainstay::cli::{Command, ConfigArgs, Parsed};
use mainstay::failure::Failure;
use mainstay::{
    check, cli, config, definitions, group, permission, queue, serve, topic, user, vhost,
};
use node::settings::Settings;

fn main() -> ExitCode {
    // Which planted bugs are on is said by the variable `FAILPOINTS`, as in `amqp-dead-letter-split=return`.
    #[cfg(feature = "failpoints")]
    let _planted = fail::FailScenario::setup();
    match run() {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}

fn run() -> Result<ExitCode, Failure> {
    let cli = match cli::parse(std::env::args_os())? {
        Parsed::Run(cli) => cli,
        Parsed::Print(text) => {
            write!(io::stdout(), "{text}")?;
            return Ok(ExitCode::SUCCESS);
        }
    };
    match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        Command::Serve(args) => serve::serve(&resolve(&args)?)?,
        Command::Check(args) => {
            let accepted =
                check::check(args.file.as_deref(), &args.overrides(), &mut io::stdout())?;
            return Ok(ExitCode::from(u8::from(!accepted)));
        }
        Command::Topic(args) => topic::run(&args, &mut io::stdout())?,
        Command::Group(args) => group::run(&args, &mut io::stdout())?,
        Command::Queue(args) => queue::run(&args, &mut io::stdout())?,
        Command::User(args) => user::run(&args, &mut io::stdout())?,
        Command::Vhost(args) => vhost::run(&args, &mut io::stdout())?,
        Command::Permission(args) => permission::run(&args, &mut io::stdout())?,
        Command::Definitions(args) => definitions::run(&args, &mut io::stdout())?,
        Command::Directives { name } => directives(name.as_deref())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// File and flags to settings; findings that only inform are `mainstay check`'s to tell.
fn resolve(args: &ConfigArgs) -> Result<Settings, Failure> {
    let outcome = config::load(args.file.as_deref(), &args.overrides());
    outcome
        .settings
        .ok_or(Failure::Configuration(outcome.findings))
}

fn directives(name: Option<&str>) -> Result<(), Failure> {
    let text = match name {
        Some(name) => config::directive_help(name).ok_or_else(|| {
            Failure::Usage(format!(
                "there is no directive \"{name}\" (mainstay directives lists all)"
            ))
        })?,
        None => config::directive_names(),
    };
    write!(io::stdout(), "{text}")?;
    Ok(())
}
