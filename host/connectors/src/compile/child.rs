//! Compiling in a child process: a component that makes the compiler eat all memory, run for ever or crash harms the
//! child, and the host reads one sentence about it.
//!
//! The child is this very program: it takes its limits before it reads the component from its input, and writes native
//! code to its output. No guest runs in it. What it writes is marked by the parent as what it compiled itself would be.

use crate::package::{COMPONENT_BYTES_MAX, one_line};
use crate::sandbox::Sandbox;
use rustix::process::{Resource, Rlimit, setrlimit};
use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Argument by which the program compiles what stands on its input.
pub const COMPILE_ARGUMENT: &str = "compile-component";
/// Most memory of a child, in MiB of address space: several times what Python takes.
const MEMORY_MIB_MAX: u64 = 2 * 1024;
/// Most processor time of a child, in seconds: several times what Python takes on a slow core.
const CPU_SECONDS_MAX: u64 = 120;
/// Longest life of a child, in milliseconds, however busy the machine is.
const LIFE_MS_MAX: u64 = 300_000;
/// Most native code of one component, in bytes.
const NATIVE_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// Most bytes that are read of what a child complains about.
const COMPLAINT_BYTES_MAX: u64 = 4 * 1024;
/// Stack of the thread that compiles, in bytes: the compiler recurses over what it is given.
const STACK_BYTES: usize = 64 * 1024 * 1024;
/// How a child ends whose component does not compile.
const REFUSED: i32 = 1;

/// What compiles components as a child, and within which limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildCompiler {
    /// The program: one that answers [`COMPILE_ARGUMENT`] with [`compile_input`].
    pub program: PathBuf,
    /// Most memory, in MiB of address space.
    pub memory_mib: u64,
    /// Most processor time, in seconds.
    pub cpu_seconds: u64,
}

impl ChildCompiler {
    /// A program within the limits that every sound component keeps.
    #[must_use]
    pub fn of(program: PathBuf) -> ChildCompiler {
        ChildCompiler { program, memory_mib: MEMORY_MIB_MAX, cpu_seconds: CPU_SECONDS_MAX }
    }
}

/// Compiles a component in a child. Blocks until it has ended.
pub(super) fn compiled_by(compiler: &ChildCompiler, component: &[u8]) -> Result<Vec<u8>, String> {
    let ChildCompiler { program, memory_mib, cpu_seconds } = compiler;
    let broken =
        |what: &str, why: &std::io::Error| format!("the compiler `{}` {what}: {why}", program.display());
    let mut child = Command::new(program)
        .arg(COMPILE_ARGUMENT)
        .args([memory_mib.to_string(), cpu_seconds.to_string()])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|why| broken("cannot be started", &why))?;
    let (mut native, mut complaint) = (Vec::new(), Vec::new());
    let talked = std::thread::scope(|scope| {
        let (input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        // A child that ends before it has read everything says why on its error output.
        scope.spawn(move || input.map(|mut input| input.write_all(component)));
        let complaint = &mut complaint;
        scope.spawn(move || {
            errors.map(|errors| {
                let mut errors = errors;
                let read = (&mut errors).take(COMPLAINT_BYTES_MAX).read_to_end(complaint);
                // Whatever more it says is heard and not kept, so that it does not wait for us.
                read.and_then(|_| std::io::copy(&mut errors, &mut std::io::sink()))
            })
        });
        output
            .map_or(Ok(0), |output| output.take(NATIVE_BYTES_MAX.saturating_add(1)).read_to_end(&mut native))
    });
    let is_too_much = NATIVE_BYTES_MAX < u64::try_from(native.len()).unwrap_or(u64::MAX);
    if is_too_much {
        child.kill().map_err(|why| broken("cannot be stopped", &why))?;
    }
    let ended = child.wait().map_err(|why| broken("cannot be waited for", &why))?;
    talked.map_err(|why| broken("cannot be heard", &why))?;
    if is_too_much {
        return Err(format!("it makes more than {NATIVE_BYTES_MAX} bytes of native code"));
    }
    if ended.success() {
        return Ok(native);
    }
    let complaint = one_line(&String::from_utf8_lossy(&complaint));
    if ended.code() == Some(REFUSED) {
        return Err(complaint);
    }
    let because = if complaint.is_empty() { String::new() } else { format!("; {complaint}") };
    Err(format!(
        "the compiler did not come to an end with {memory_mib} MiB of memory and {cpu_seconds} s of processor time \
         ({ended}{because})"
    ))
}

/// What the child does: takes its limits (what stands behind the argument: MiB of memory, seconds of processor time),
/// compiles what stands on the input, writes it to the output. Gives the exit code; what is wrong stands on the error
/// output.
#[must_use]
#[expect(clippy::print_stderr, reason = "it is how the child tells its parent")]
pub fn compile_input(limits: impl IntoIterator<Item = OsString>) -> u8 {
    match limited(limits).and_then(|()| compiled()) {
        Ok(()) => 0,
        Err(why) => {
            eprintln!("{why}");
            u8::try_from(REFUSED).unwrap_or(u8::MAX)
        }
    }
}

fn limited(limits: impl IntoIterator<Item = OsString>) -> Result<(), String> {
    let mut numbers = limits.into_iter().map(|text| text.to_str().and_then(|text| text.parse::<u64>().ok()));
    let (Some(Some(memory_mib)), Some(Some(cpu_seconds))) = (numbers.next(), numbers.next()) else {
        return Err(
            "the compiler is called with its limits: MiB of memory, seconds of processor time".to_owned()
        );
    };
    let limits = [
        (Resource::As, memory_mib.saturating_mul(1024 * 1024)),
        (Resource::Cpu, cpu_seconds),
        // What is in memory here is the vendor's, and nobody looks into it.
        (Resource::Core, 0),
    ];
    for (resource, most) in limits {
        let limit = Rlimit { current: Some(most), maximum: Some(most) };
        setrlimit(resource, limit)
            .map_err(|why| format!("the limits of the compiler cannot be set: {why}"))?;
    }
    let watch = std::thread::Builder::new().name("compile-life".to_owned()).spawn(|| {
        std::thread::sleep(Duration::from_millis(LIFE_MS_MAX));
        std::process::abort();
    });
    watch.map(drop).map_err(|why| format!("the life of the compiler cannot be limited: {why}"))
}

fn compiled() -> Result<(), String> {
    let mut component = Vec::new();
    let most = u64::try_from(COMPONENT_BYTES_MAX).unwrap_or(u64::MAX);
    std::io::stdin()
        .lock()
        .take(most.saturating_add(1))
        .read_to_end(&mut component)
        .map_err(|why| format!("the component cannot be read: {why}"))?;
    if COMPONENT_BYTES_MAX < component.len() {
        return Err(format!("it is larger than {COMPONENT_BYTES_MAX} bytes"));
    }
    let sandbox = Sandbox::for_compiling().map_err(|fault| fault.message)?;
    let compile = move || {
        sandbox.engine.precompile_component(&component).map_err(|error| {
            if error.is::<wasmtime::OutOfMemory>() {
                // Parts of the compiler say so where others end the program: both are the limit, and no word about
                // the component.
                std::process::abort();
            }
            super::refused(&error)
        })
    };
    let compiler = std::thread::Builder::new().name("compile".to_owned()).stack_size(STACK_BYTES);
    let compiler = compiler.spawn(compile).map_err(|why| format!("the compiler cannot be started: {why}"))?;
    let native = compiler.join().map_err(|_| "the compiler panicked".to_owned())??;
    let mut output = std::io::stdout().lock();
    output
        .write_all(&native)
        .and_then(|()| output.flush())
        .map_err(|why| format!("the native code cannot be handed over: {why}"))
}
