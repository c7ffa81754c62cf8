//! The `mainstay` binary: parses the command line, resolves the configuration, runs one command, and answers with
//! an exit code (0 done, 1 failed while running, 2 command line or configuration must be changed).

use std::io::{self, Write};
use std::process::ExitCode;

use mainstay::cli::{Cli, Command, Parsed};
use mainstay::failure::Failure;
use mainstay::{
    check, cli, config, definitions, demo, group, nginx, permission, queue, serve, topic, user,
    vhost,
};

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
    if let Some(code) = as_nginx(&cli)? {
        return Ok(code);
    }
    match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        Command::Serve(args) => serve::serve(&args.source(), &args.overrides())?,
        Command::Check(args) => {
            let accepted = check::check(&args.source(), &args.overrides(), &mut io::stdout())?;
            return Ok(ExitCode::from(u8::from(!accepted)));
        }
        Command::Demo(args) => demo::run(args.keep, &mut io::stdout())?,
        Command::DemoWorker { amqp, dies } => demo::work(&amqp, dies, &mut io::stdout())?,
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

/// What nginx's flags ask for instead of serving; `None` where there is none of them.
fn as_nginx(cli: &Cli) -> Result<Option<ExitCode>, Failure> {
    let (flags, args) = (&cli.nginx, &cli.serve);
    let (mut out, mut err) = (io::stdout(), io::stderr());
    match () {
        () if flags.modules => nginx::modules(&mut err)?,
        () if flags.short_version => nginx::version(&mut err)?,
        () => {}
    }
    if flags.test || flags.dump {
        let (source, overrides) = (args.source(), args.overrides());
        let accepted = nginx::test(
            &source,
            &overrides,
            flags.dump,
            flags.quiet,
            &mut out,
            &mut err,
        )?;
        return Ok(Some(ExitCode::from(u8::from(!accepted))));
    }
    if let Some(order) = flags.order {
        nginx::order(&args.source(), &args.overrides(), order)?;
        return Ok(Some(ExitCode::SUCCESS));
    }
    Ok((flags.modules || flags.short_version).then_some(ExitCode::SUCCESS))
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
