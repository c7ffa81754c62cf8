//! Apache Kafka as a server under test: one node that is broker and controller, from Maven Central's jars,
//! with the heap and the collector that its own start script sets.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::{Spec, free_port, grouped};
use crate::{command, repo};

/// What `bin/kafka-server-start.sh` of the distribution passes to Java.
const JVM: &[&str] = &[
    "-Xmx1G",
    "-Xms1G",
    "-server",
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    "-XX:InitiatingHeapOccupancyPercent=35",
    "-XX:+ExplicitGCInvokesConcurrent",
    "-XX:MaxInlineLevel=15",
    "-Djava.awt.headless=true",
];

fn source() -> PathBuf {
    repo::root().join("conformance/apache-kafka")
}

fn jars() -> PathBuf {
    repo::target().join("conformance/apache-kafka")
}

/// The version that the project file asks for.
fn version() -> Result<String> {
    let text =
        fs::read_to_string(source().join("pom.xml")).context("conformance/apache-kafka/pom.xml")?;
    let value = text
        .split_once("<kafka.version>")
        .and_then(|(_, rest)| rest.split_once("</kafka.version>"));
    Ok(value
        .context("no <kafka.version> in the project file")?
        .0
        .to_owned())
}

pub(super) fn prepare() -> Result<String> {
    let version = version()?;
    if !jars().join(format!("kafka_2.13-{version}.jar")).exists() {
        let mut maven = Command::new("mvn");
        maven.args([
            "--quiet",
            "--batch-mode",
            "dependency:copy-dependencies",
            "-DincludeScope=runtime",
        ]);
        maven.arg(format!("-DoutputDirectory={}", jars().display()));
        command::run(maven.arg("--file").arg(source().join("pom.xml")))
            .context("Maven, from Debian's package `maven`")?;
    }
    Ok(version)
}

/// Writes the configuration, formats an empty data directory, and returns what starts the server.
pub(super) fn command(spec: &Spec) -> Result<Command> {
    let logs = spec.data.join("logs");
    let configuration = spec.data.join("server.properties");
    fs::write(&configuration, properties(spec, &logs)?)?;
    if !logs.join("meta.properties").exists() {
        let mut format = java("kafka.tools.StorageTool");
        format
            .args([
                "format",
                "--cluster-id",
                "bWFpbnN0YXktaGFybmVzcw",
                "--config",
            ])
            .arg(&configuration);
        command::run_quietly(&mut format).context("kafka.tools.StorageTool format")?;
    }
    let mut serve = java("kafka.Kafka");
    serve.arg(&configuration);
    Ok(serve)
}

/// A folder that looks like a Kafka distribution to a test suite: `bin/` with the scripts that suites call.
pub(super) fn distribution() -> Result<PathBuf> {
    prepare()?;
    let folder = repo::target().join("conformance/apache-kafka-scripts");
    let bin = folder.join("bin");
    fs::create_dir_all(&bin)?;
    for (script, class) in [
        ("kafka-topics.sh", "org.apache.kafka.tools.TopicCommand"),
        ("kafka-acls.sh", "org.apache.kafka.tools.AclCommand"),
    ] {
        let path = bin.join(script);
        let jars = jars();
        fs::write(
            &path,
            format!(
                "#!/bin/sh\nexec java -Xmx256M -cp '{}/*' {class} \"$@\"\n",
                jars.display()
            ),
        )?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    }
    Ok(folder)
}

fn java(class: &str) -> Command {
    let mut command = grouped("java");
    command.args(JVM);
    command.arg(format!(
        "-Dlog4j2.configurationFile={}",
        source().join("log4j2.yaml").display()
    ));
    command
        .arg("-cp")
        .arg(format!("{}/*", jars().display()))
        .arg(class);
    command
}

fn properties(spec: &Spec, logs: &Path) -> Result<String> {
    // The controller's port is kept over restarts: it is written into the quorum's state.
    let remembered = spec.data.join("controller-port");
    let controller = match fs::read_to_string(&remembered) {
        Ok(port) => port,
        Err(_) => free_port()?.to_string(),
    };
    fs::write(&remembered, &controller)?;
    let mut lines = vec![
        "process.roles=broker,controller".to_owned(),
        // Clients' own tests take the only broker to be number 0.
        "node.id=0".to_owned(),
        format!("controller.quorum.voters=0@127.0.0.1:{controller}"),
        format!(
            "listeners=PLAINTEXT://{},CONTROLLER://127.0.0.1:{controller}",
            spec.address()
        ),
        format!("advertised.listeners=PLAINTEXT://{}", spec.address()),
        "controller.listener.names=CONTROLLER".to_owned(),
        "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT".to_owned(),
        format!("log.dirs={}", logs.display()),
        "share.coordinator.state.topic.replication.factor=1".to_owned(),
        "share.coordinator.state.topic.min.isr=1".to_owned(),
    ];
    lines.extend(
        spec.settings
            .iter()
            .map(|(name, value)| format!("{name}={value}")),
    );
    Ok(lines.join("\n") + "\n")
}
