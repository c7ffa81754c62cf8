//! nginx's signals.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// What the process is told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    /// TERM, INT: stop; the balancer at once, the brokers when they have answered what they were asked.
    Stop,
    /// QUIT: stop when all connections have ended.
    Quit,
    /// HUP: take the configuration anew.
    Reload,
    /// USR1: open log files anew.
    Reopen,
}

/// The signals that are waited for.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    quit: Signal,
    hangup: Signal,
    user1: Signal,
    user2: Signal,
    window: Signal,
}

impl Signals {
    /// Begins to wait: none of them ends the process by itself any more.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            hangup: signal(SignalKind::hangup())?,
            user1: signal(SignalKind::user_defined1())?,
            user2: signal(SignalKind::user_defined2())?,
            window: signal(SignalKind::window_change())?,
        })
    }

    /// The next one that means something.
    pub(super) async fn next(&mut self) -> Command {
        loop {
            let ignored = tokio::select! {
                _ = self.terminate.recv() => return Command::Stop,
                _ = self.interrupt.recv() => return Command::Stop,
                _ = self.quit.recv() => return Command::Quit,
                _ = self.hangup.recv() => return Command::Reload,
                _ = self.user1.recv() => return Command::Reopen,
                _ = self.user2.recv() => "USR2 (a new binary is started by whoever supervises this one)",
                _ = self.window.recv() => "WINCH (there are no worker processes to stop)",
            };
            tracing::info!(signal = ignored, "a signal is ignored");
        }
    }
}
