//! The running process: the balancer beside the brokers, and what each signal does to them.
//!
//! The balancer's threads outlive a failure of the log; the log outlives the balancer's last connection, so that the last
//! line of an access log still finds it.

use super::announce::announce;
use super::brokers::{self, Ends};
use super::journal::Journal;
use super::pid_file::PidFile;
use super::signals::{Command, Signals};
use super::{complain, refuse};
use crate::config::{self, Override, Plan, Source};
use crate::failure::Failure;
use anyhow::anyhow;
use node::settings::Settings;
use node::{BalancerMetrics, Outlet, Summary, Surroundings};
use proxy::{Fault, Nowhere, Proxy};
use std::pin::pin;
use std::sync::Arc;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// The process.
pub(super) struct Server<'a> {
    source: &'a Source,
    overrides: &'a [Override],
    plan: Plan,
    journal: Journal,
    outlet: Option<Arc<Outlet>>,
    balancer: Option<Proxy>,
    metrics: Arc<BalancerMetrics>,
    pid_file: Option<PidFile>,
    ends: Ends,
    /// It was told to end, and waits for its connections.
    ending: bool,
}

/// What the process waits for.
enum Event {
    Signal(Command),
    /// The brokers serve, for the first time or again.
    Started(Summary),
    /// The brokers ended.
    Ended(Result<(), Failure>),
    /// A worker of the balancer ended by itself, or all have because they were told to.
    Balancer(Option<Fault>),
}

impl<'a> Server<'a> {
    pub(super) fn new(
        source: &'a Source,
        overrides: &'a [Override],
        plan: Plan,
        journal: Journal,
    ) -> Self {
        let outlet = plan.settings.storage.as_ref();
        Self {
            source,
            overrides,
            journal,
            outlet: outlet.map(|_| Arc::new(Outlet::new())),
            plan,
            balancer: None,
            metrics: Arc::default(),
            pid_file: None,
            ends: Ends::default(),
            ending: false,
        }
    }

    /// Starts everything, and does what the signals say until all has ended.
    pub(super) async fn run(mut self, mut signals: Signals) -> Result<(), Failure> {
        let config = self.plan.balancer.take();
        if let Some(config) = config.filter(|config| !config.is_empty()) {
            self.balance(config).await?;
        }
        let settings = self.plan.settings.clone();
        let has_brokers = settings.storage.is_some() || settings.console.is_some();
        let (started, mut starts) = unbounded_channel();
        let surroundings = Surroundings {
            outlet: self.outlet.clone(),
            metrics: Some(self.metrics.clone()),
        };
        let ends = self.ends.clone();
        let mut brokers = pin!(async {
            if !has_brokers {
                ends.stop.cancelled().await;
                return Ok(());
            }
            let tell = |summary: &Summary| {
                // Nobody hears of it where the process ends.
                let _ = started.send(summary.clone());
                Ok(())
            };
            brokers::run(&settings, &surroundings, &ends, tell).await
        });
        if !has_brokers {
            self.ready(None)?;
        }
        let mut outcome = None;
        while !(outcome.is_some() && self.balancer.is_none()) {
            let event = tokio::select! {
                biased;
                event = next(&mut signals, &mut starts, self.balancer.as_mut()) => event,
                ended = &mut brokers, if outcome.is_none() => Event::Ended(ended),
            };
            match event {
                Event::Signal(command) => self.obey(command).await,
                Event::Started(summary) => self.ready(Some(&summary))?,
                Event::Ended(ended) => {
                    // Without what it was told to serve the process is of no use.
                    if !self.ending {
                        self.stop();
                    }
                    outcome = Some(ended);
                }
                // What happened stands in the balancer's own log, and another worker runs.
                Event::Balancer(Some(_)) => {}
                Event::Balancer(None) => self.balancer_ended(),
            }
        }
        if matches!(outcome, Some(Ok(()))) {
            tracing::info!("stopped");
        }
        outcome.unwrap_or(Ok(()))
    }

    async fn balance(&mut self, config: proxy::Config) -> Result<(), Failure> {
        let outlet: Arc<dyn proxy::Outlet> = match &self.outlet {
            Some(outlet) => outlet.clone(),
            None => Arc::new(Nowhere),
        };
        let started = Proxy::start(config, outlet).await;
        let balancer = started.map_err(|error| anyhow!("{error}"))?;
        self.metrics.show(balancer.figures());
        self.balancer = Some(balancer);
        Ok(())
    }

    /// Everything is bound and serves: says so, and writes the process id.
    fn ready(&mut self, summary: Option<&Summary>) -> Result<(), Failure> {
        let addresses = self.balancer.as_ref().map(Proxy::addresses);
        let format = self.plan.settings.log;
        announce(format, summary, &addresses.unwrap_or_default())?;
        if self.pid_file.is_none() {
            self.pid_file = PidFile::write(self.plan.pid.as_ref())?;
        }
        Ok(())
    }

    async fn obey(&mut self, command: Command) {
        match command {
            Command::Stop => {
                tracing::info!("stopping: nothing new is taken, what was begun is finished");
                self.stop();
            }
            Command::Quit => {
                tracing::info!("stopping gracefully: connections may end by themselves");
                self.quit();
            }
            Command::Reload if self.ending => {}
            Command::Reload => self.reload().await,
            Command::Reopen => self.reopen(),
        }
    }

    /// Ends the balancer at once; the brokers answer what they were asked.
    fn stop(&mut self) {
        self.ending = true;
        if let Some(balancer) = &mut self.balancer {
            balancer.stop();
        }
        self.balancer_ended();
        self.ends.stop.cancel();
    }

    fn quit(&mut self) {
        self.ending = true;
        match &mut self.balancer {
            Some(balancer) => balancer.quit(self.plan.shutdown_timeout),
            None => self.ends.gone.cancel(),
        }
        self.ends.stop.cancel();
    }

    fn balancer_ended(&mut self) {
        self.balancer = None;
        if self.ending {
            self.ends.gone.cancel();
        }
    }

    /// Takes the configuration anew, as a whole or not at all.
    async fn reload(&mut self) {
        let outcome = config::load(self.source, self.overrides);
        let Some(mut plan) = outcome.plan else {
            refuse(&self.journal, &outcome.findings);
            complain(
                &self.journal,
                "the new configuration is refused, the old one stays in force",
            );
            return;
        };
        let in_force = match (plan.balancer.take(), &mut self.balancer) {
            (Some(config), Some(balancer)) => {
                let reloaded = balancer.reload(config).await;
                reloaded.map_err(|error| error.to_string())
            }
            (Some(config), None) if !config.is_empty() => self
                .balance(config)
                .await
                .map_err(|failure| failure.lines().join("; ")),
            _ => Ok(()),
        };
        if let Err(reason) = in_force {
            let text = format!("{reason}; the old configuration stays in force");
            return complain(&self.journal, &text);
        }
        if let Err(error) = self.journal.open(&plan.error_log) {
            complain(
                &self.journal,
                &format!("{error}; messages go where they went"),
            );
        }
        for name in changed(&self.plan.settings, &plan.settings) {
            tracing::warn!("{name} has changed, which takes a restart to have effect");
        }
        if !self
            .pid_file
            .as_ref()
            .is_some_and(|file| file.is(plan.pid.as_ref()))
        {
            match PidFile::write(plan.pid.as_ref()) {
                Ok(file) => self.pid_file = file,
                Err(error) => complain(&self.journal, &error.to_string()),
            }
        }
        // The settings that are in force are those of the start.
        plan.settings = self.plan.settings.clone();
        self.plan = plan;
        tracing::info!("the new configuration is in force");
    }

    fn reopen(&self) {
        let own = self.journal.reopen().map_err(|error| error.to_string());
        let balancers = match &self.balancer {
            Some(balancer) => balancer.reopen().map_err(|error| error.to_string()),
            None => Ok(()),
        };
        for reason in [own, balancers].into_iter().filter_map(Result::err) {
            complain(
                &self.journal,
                &format!("{reason}; that log goes where it went"),
            );
        }
        tracing::info!("log files were opened anew");
    }
}

/// The next of the events that no pinned future stands for.
async fn next(
    signals: &mut Signals,
    starts: &mut UnboundedReceiver<Summary>,
    balancer: Option<&mut Proxy>,
) -> Event {
    let ended = async {
        match balancer {
            Some(balancer) => balancer.ended().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        command = signals.next() => Event::Signal(command),
        Some(summary) = starts.recv() => Event::Started(summary),
        fault = ended => Event::Balancer(fault),
    }
}

/// What a reload cannot change, in the words of the configuration.
fn changed(old: &Settings, new: &Settings) -> Vec<&'static str> {
    let differences = [
        ("storage", old.storage != new.storage),
        ("kafka", old.kafka != new.kafka),
        ("amqp", old.amqp != new.amqp),
        ("console", old.console != new.console),
        ("log", old.log != new.log),
    ];
    let differs = differences.into_iter().filter(|(_, differs)| *differs);
    differs.map(|(name, _)| name).collect()
}
