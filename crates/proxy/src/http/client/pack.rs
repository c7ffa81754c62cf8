//! Sending a body that is compressed on its way.

use std::task::{Context, Poll, ready};

use super::super::{Request, gzip};
use super::{Abort, Client};

impl Client {
    /// Takes some of `data` in; ready with how much. What comes of it is sent with what follows.
    pub(super) fn poll_pack(
        &mut self,
        cx: &mut Context<'_>,
        request: &mut Request,
        data: &[u8],
    ) -> Poll<Result<usize, Abort>> {
        ready!(self.poll_drain(cx, request))?;
        let taken = self.sink.encoder.as_mut().map(|encoder| encoder.take(data));
        Poll::Ready(Ok(taken.unwrap_or(data.len())))
    }

    /// Sends everything that was taken in.
    pub(super) fn poll_let_out(
        &mut self,
        cx: &mut Context<'_>,
        request: &mut Request,
    ) -> Poll<Result<(), Abort>> {
        loop {
            ready!(self.poll_drain(cx, request))?;
            let Some(encoder) = &mut self.sink.encoder else {
                return Poll::Ready(Ok(()));
            };
            if encoder.let_out() && encoder.waiting().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Ends the body.
    pub(super) fn poll_pack_end(
        &mut self,
        cx: &mut Context<'_>,
        request: &mut Request,
    ) -> Poll<Result<(), Abort>> {
        loop {
            ready!(self.poll_drain(cx, request))?;
            let Some(encoder) = &mut self.sink.encoder else {
                return Poll::Ready(Ok(()));
            };
            if encoder.end() && encoder.waiting().is_empty() {
                break;
            }
        }
        if let Some(encoder) = self.sink.encoder.take() {
            request.response.gzip_ratio = encoder.ratio();
            gzip::give(&request.worker, encoder);
        }
        Poll::Ready(Ok(()))
    }

    /// Sends what the encoder has ready.
    fn poll_drain(
        &mut self,
        cx: &mut Context<'_>,
        request: &mut Request,
    ) -> Poll<Result<(), Abort>> {
        let Some(mut encoder) = self.sink.encoder.take() else {
            return Poll::Ready(Ok(()));
        };
        let mut outcome = Poll::Ready(Ok(()));
        while !encoder.waiting().is_empty() {
            match self.poll_send_plain(cx, request, encoder.waiting(), false) {
                Poll::Ready(Ok(count)) => encoder.sent(count),
                Poll::Ready(Err(abort)) => {
                    outcome = Poll::Ready(Err(abort));
                    break;
                }
                Poll::Pending => {
                    outcome = Poll::Pending;
                    break;
                }
            }
        }
        self.sink.encoder = Some(encoder);
        outcome
    }
}
