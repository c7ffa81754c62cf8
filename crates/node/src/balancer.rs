//! What the balancer beside a node shows of itself.

use crate::node::Metrics;
use console::{Exposition, Kind};
use proxy::Counters;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

/// The balancer's metrics; nothing while none runs.
#[derive(Debug, Default)]
pub struct BalancerMetrics(Mutex<Option<Arc<Counters>>>);

impl BalancerMetrics {
    /// Shows these from now on.
    pub fn show(&self, counters: Arc<Counters>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(counters);
    }
}

impl Metrics for BalancerMetrics {
    fn write(&self, out: &mut Exposition) {
        let counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(counters) = counters.clone() else {
            return;
        };
        for (name, help, counter) in [
            (
                "mainstay_http_connections_accepted",
                "Connections that the balancer accepted.",
                &counters.accepted,
            ),
            (
                "mainstay_http_requests",
                "Requests whose head the balancer has read.",
                &counters.requests,
            ),
        ] {
            out.family(name, Kind::Counter, help)
                .sample(&[], counter.load(Ordering::Relaxed));
        }
        let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        out.family(
            "mainstay_http_connections",
            Kind::Gauge,
            "Connections of the balancer's clients, by what they do.",
        )
        .sample(&[("state", "reading")], count(&counters.reading))
        .sample(&[("state", "writing")], count(&counters.writing))
        .sample(&[("state", "waiting")], counters.waiting());
    }
}

#[cfg(test)]
mod tests {
    use super::BalancerMetrics;
    use crate::node::Metrics;
    use console::Exposition;
    use std::sync::Arc;

    #[test]
    fn counters_are_shown_once_there_are_some() {
        let metrics = BalancerMetrics::default();
        let text = || {
            let mut out = Exposition::new();
            metrics.write(&mut out);
            out.finish()
        };
        assert_eq!(text(), "# EOF\n");
        let counters = Arc::new(proxy::Counters::default());
        counters
            .requests
            .store(7, std::sync::atomic::Ordering::Relaxed);
        metrics.show(counters);
        assert!(text().contains("\nmainstay_http_requests_total 7\n"));
    }
}
