//! The balancer's data path is not built yet: it refuses to start.

pub(super) struct Fault;
pub(super) enum Proxy {}

impl Proxy {
    pub(super) async fn start(
        _: proxy::Config,
        _: std::sync::Arc<dyn proxy::Outlet>,
    ) -> Result<Self, &'static str> {
        Err("the balancer cannot serve yet")
    }
    pub(super) async fn reload(&mut self, _: proxy::Config) -> Result<(), &'static str> {
        match *self {}
    }
    pub(super) fn reopen(&self) -> Result<(), &'static str> {
        match *self {}
    }
    pub(super) fn quit(&mut self, _: Option<std::time::Duration>) {
        match *self {}
    }
    pub(super) fn stop(&mut self) {
        match *self {}
    }
    pub(super) async fn ended(&mut self) -> Option<Fault> {
        match *self {}
    }
    pub(super) fn addresses(&self) -> Vec<String> {
        match *self {}
    }
}
