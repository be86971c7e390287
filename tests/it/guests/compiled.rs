//! Components are compiled by a child of the host, which has limits: what breaks it harms nobody else.

use super::inert;
use super::world::{component, runtime, runtime_with};
use countersign_connectors::{ChildCompiler, FaultCode, Trust};
use countersign_tests::world::program;

fn compiler() -> ChildCompiler {
    ChildCompiler::of(program().expect("the program was built"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_child_compiles_what_the_host_then_runs_and_keeps() {
    let folder = tempfile::tempdir().expect("a folder");
    let by_child = runtime_with(folder.path(), Trust::everything(), Some(compiler()));
    let installed = by_child.install(component("plain")).await.expect("it is compiled and describes itself");
    // What it made is marked as this host's own: another start needs no compiler, be it gone.
    let gone = ChildCompiler::of("/nowhere/countersign".into());
    let again = runtime_with(folder.path(), Trust::everything(), Some(gone.clone()));
    assert_eq!(again.load(installed.digest).await.expect("it is kept").digest, installed.digest);
    let elsewhere = tempfile::tempdir().expect("a folder");
    let fault =
        runtime_with(elsewhere.path(), Trust::everything(), Some(gone)).install(component("plain")).await;
    let fault = fault.expect_err("nothing compiles it");
    assert!(fault.message.contains("`/nowhere/countersign` cannot be started"), "{fault}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_eats_the_compiler_is_refused_and_the_host_goes_on() {
    // Python takes seconds and hundreds of megabytes: with less, it is what a bomb is to the usual limits. The program by
    // itself needs about 256 MiB of addresses to start at all.
    let python = inert::component().expect("it is built");
    for compiler in
        [ChildCompiler { cpu_seconds: 1, ..compiler() }, ChildCompiler { memory_mib: 384, ..compiler() }]
    {
        let folder = tempfile::tempdir().expect("a folder");
        let (mib, seconds) = (compiler.memory_mib, compiler.cpu_seconds);
        let host = runtime_with(folder.path(), Trust::everything(), Some(compiler));
        let fault = host.install(python.to_vec()).await.expect_err("it is stopped");
        assert_eq!(fault.code, FaultCode::NotCompiled, "{fault}");
        let expected =
            format!("did not come to an end with {mib} MiB of memory and {seconds} s of processor time");
        assert!(fault.message.contains(&expected), "{fault}");
        assert!(host.stored().expect("it is read").is_empty());
        host.install(component("plain")).await.expect("the next one is unharmed");
    }
    // In this very process there is no limit, and it compiles.
    let folder = tempfile::tempdir().expect("a folder");
    assert!(runtime(folder.path()).install(component("plain")).await.is_ok());
}
