//! What a server says when it is up: where to connect, and what was found.

use node::settings::LogFormat;
use node::{Recovery, Summary};
use std::io::{self, Write};
use std::path::Path;

/// Says it: to people on standard output, to machines in the log.
pub(super) fn announce(
    format: LogFormat,
    summary: Option<&Summary>,
    balancer: &[String],
) -> io::Result<()> {
    let listed = |addresses: Option<&Vec<std::net::SocketAddr>>| {
        let texts = addresses.into_iter().flatten().map(ToString::to_string);
        texts.collect::<Vec<_>>().join(", ")
    };
    let faces = [
        ("balancer", balancer.join(", ")),
        ("kafka", listed(summary.map(|summary| &summary.kafka))),
        ("amqp", listed(summary.map(|summary| &summary.amqp))),
        ("console", listed(summary.map(|summary| &summary.console))),
    ];
    let data = summary.and_then(|summary| summary.data.as_ref());
    if format == LogFormat::Json {
        tell_machines(&faces, data);
        return Ok(());
    }
    let mut out = io::stdout().lock();
    writeln!(out, "Mainstay {}", env!("CARGO_PKG_VERSION"))?;
    for (face, addresses) in faces.iter().filter(|(_, addresses)| !addresses.is_empty()) {
        match *face {
            "console" => writeln!(out, "  {face:<8} http://{addresses}/metrics")?,
            _ => writeln!(out, "  {face:<8} {addresses}")?,
        }
    }
    if let Some((path, recovery)) = data {
        tell_found(&mut out, path, recovery)?;
    }
    writeln!(out, "Serving.")?;
    out.flush()
}

fn tell_machines(faces: &[(&str, String); 4], data: Option<&(std::path::PathBuf, Recovery)>) {
    let version = env!("CARGO_PKG_VERSION");
    let [balancer, kafka, amqp, console] = faces.each_ref().map(|(_, addresses)| &**addresses);
    let Some((path, recovery)) = data else {
        tracing::info!(version, balancer, console, "serving");
        return;
    };
    let report = &recovery.report;
    tracing::info!(
        version,
        balancer,
        kafka,
        amqp,
        console,
        data = %path.display(),
        epoch = recovery.epoch.0,
        streams = report.streams,
        files = report.files,
        bytes_replayed = report.bytes_scanned,
        torn_bytes = report.torn_bytes,
        damaged_places = report.damaged.len(),
        recovery_ms = took_ms(recovery),
        "serving"
    );
}

fn tell_found(out: &mut dyn Write, path: &Path, recovery: &Recovery) -> io::Result<()> {
    let (report, took_ms) = (&recovery.report, took_ms(recovery));
    writeln!(
        out,
        "  data     {} (start {})",
        path.display(),
        recovery.epoch.0 + 1
    )?;
    let (megabytes, torn) = (report.bytes_scanned.div_ceil(1 << 20), report.torn_bytes);
    writeln!(
        out,
        "  recovery {} streams in {} files; {megabytes} MiB replayed in {took_ms} ms",
        report.streams, report.files
    )?;
    if torn > 0 {
        writeln!(
            out,
            "           {torn} bytes of a torn, never acknowledged write were cut off"
        )?;
    }
    for (file, place) in &report.damaged {
        writeln!(
            out,
            "           DAMAGED: WAL file {file}, bytes {}..{}; what was there is not served",
            place.start, place.end
        )?;
    }
    Ok(())
}

fn took_ms(recovery: &Recovery) -> u64 {
    u64::try_from(recovery.took.as_millis()).unwrap_or(u64::MAX)
}
