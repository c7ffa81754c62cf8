//! What the balancer beside a node shows of itself.

mod upstreams;

use crate::node::Metrics;
use console::{Exposition, Kind};
use proxy::Figures;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The balancer's metrics; nothing while none runs.
#[derive(Debug, Default)]
pub struct BalancerMetrics(Mutex<Option<Arc<Figures>>>);

impl BalancerMetrics {
    /// Shows these from now on.
    pub fn show(&self, figures: Arc<Figures>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(figures);
    }
}

impl Metrics for BalancerMetrics {
    fn write(&self, out: &mut Exposition) {
        let figures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(figures) = figures.clone() else {
            return;
        };
        let counters = figures.counters();
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
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
                .sample(&[], count(counter));
        }
        out.family(
            "mainstay_http_connections",
            Kind::Gauge,
            "Connections of the balancer's clients, by what they do.",
        )
        .sample(&[("state", "reading")], count(&counters.reading))
        .sample(&[("state", "writing")], count(&counters.writing))
        .sample(&[("state", "waiting")], counters.waiting());
        upstreams::write(&figures.upstreams(), out);
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
        let figures = Arc::new(proxy::Figures::default());
        let requests = &figures.counters().requests;
        requests.store(7, std::sync::atomic::Ordering::Relaxed);
        metrics.show(figures.clone());
        assert!(text().contains("\nmainstay_http_requests_total 7\n"));
    }
}
