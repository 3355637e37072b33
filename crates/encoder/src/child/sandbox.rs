//! What the child denies itself. Everything here is for good: no call takes it back.

use super::order::Order;
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, Signal, getppid, nice, set_dumpable_behavior,
    set_parent_process_death_signal, setrlimit,
};
use std::io;

/// Descriptors it may have: three standard ones, two copies of them, and a few that a library takes for a moment.
const DESCRIPTORS: u64 = 16;

/// Limits this process. Call it before a second thread runs and before a byte of the file is read.
pub(super) fn enter(order: &Order) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // The parent may have died before the line above; then the signal never comes.
    if getppid().map(|p| p.as_raw_nonzero().get().unsigned_abs()) != Some(order.parent) {
        return Err(io::Error::other("the parent process is gone"));
    }
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    // Data and not address space: allocators reserve far more than they use.
    limit(Resource::Data, order.memory_bytes)?;
    limit(Resource::Cpu, order.cpu_s)?;
    limit(Resource::Fsize, 0)?;
    limit(Resource::Core, 0)?;
    limit(Resource::Nofile, DESCRIPTORS)?;
    nice(order.niceness)?;
    syscalls::filter()
}

fn limit(resource: Resource, most: u64) -> io::Result<()> {
    Ok(setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?)
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod syscalls {
    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
        SeccompRule, apply_filter,
    };
    use std::{collections::BTreeMap, io};

    /// System calls that decoding and encoding need: memory, threads, reading, writing, time. No network, no
    /// files by name, no programs.
    const ALLOWED: &[libc::c_long] = &[
        libc::SYS_read,
        libc::SYS_readv,
        libc::SYS_pread64,
        libc::SYS_preadv,
        libc::SYS_write,
        libc::SYS_writev,
        libc::SYS_lseek,
        libc::SYS_fstat,
        libc::SYS_newfstatat,
        libc::SYS_statx,
        libc::SYS_close,
        libc::SYS_dup,
        libc::SYS_fcntl,
        libc::SYS_ppoll,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_madvise,
        libc::SYS_brk,
        libc::SYS_futex,
        libc::SYS_set_robust_list,
        libc::SYS_rseq,
        libc::SYS_clone3,
        libc::SYS_sched_yield,
        libc::SYS_sched_getaffinity,
        libc::SYS_membarrier,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sigaltstack,
        libc::SYS_restart_syscall,
        libc::SYS_getpid,
        libc::SYS_gettid,
        libc::SYS_tgkill,
        libc::SYS_getrandom,
        libc::SYS_clock_gettime,
        libc::SYS_clock_nanosleep,
        libc::SYS_nanosleep,
        libc::SYS_sysinfo,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ];

    pub(super) fn filter() -> io::Result<()> {
        let compile = || -> Result<[BpfProgram; 2], seccompiler::BackendError> {
            let arch = std::env::consts::ARCH.try_into()?;
            // The flags of clone3 are in memory, where a filter cannot look. A C library that is told there is no
            // clone3 uses clone.
            let clone3 = SeccompFilter::new(
                BTreeMap::from([(libc::SYS_clone3, Vec::new())]),
                SeccompAction::Allow,
                SeccompAction::Errno(libc::ENOSYS.unsigned_abs()),
                arch,
            )?;
            let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
                ALLOWED.iter().map(|call| (*call, Vec::new())).collect();
            // New threads, never new processes.
            rules.insert(libc::SYS_clone, vec![bits_are(0, libc::CLONE_THREAD, libc::CLONE_THREAD)?]);
            // Memory that can be executed is never made.
            rules.insert(libc::SYS_mmap, vec![bits_are(2, libc::PROT_EXEC, 0)?]);
            rules.insert(libc::SYS_mprotect, vec![bits_are(2, libc::PROT_EXEC, 0)?]);
            // Names of threads.
            rules.insert(libc::SYS_prctl, vec![bits_are(0, -1, libc::PR_SET_NAME)?]);
            // Limits may be asked, not changed.
            let ask = SeccompCondition::new(2, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, 0)?;
            rules.insert(libc::SYS_prlimit64, vec![SeccompRule::new(vec![ask])?]);
            let all = SeccompFilter::new(
                rules,
                SeccompAction::Errno(libc::EPERM.unsigned_abs()),
                SeccompAction::Allow,
                arch,
            )?;
            Ok([clone3.try_into()?, all.try_into()?])
        };
        for program in compile().map_err(io::Error::other)? {
            apply_filter(&program).map_err(io::Error::other)?;
        }
        Ok(())
    }

    fn bits_are(
        argument: u8,
        mask: libc::c_int,
        value: libc::c_int,
    ) -> Result<SeccompRule, seccompiler::BackendError> {
        let wide = |n: libc::c_int| u64::from(n.cast_unsigned());
        let operator = SeccompCmpOp::MaskedEq(wide(mask));
        SeccompRule::new(vec![SeccompCondition::new(
            argument,
            SeccompCmpArgLen::Dword,
            operator,
            wide(value),
        )?])
    }

    #[cfg(test)]
    mod tests {
        use std::{
            fs::File,
            io::{ErrorKind, Read},
            net::{TcpListener, TcpStream, UdpSocket},
            os::unix::net::UnixStream,
            process::Command,
            thread,
        };

        /// A filter holds for the thread that sets it and for its children: the other tests are not harmed.
        #[test]
        fn a_confined_thread_computes_and_reads_but_reaches_nothing() {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let mut open = File::open("Cargo.toml").unwrap();
            let confined = thread::spawn(move || {
                super::filter().unwrap();
                let denied = |e: std::io::Error| assert_eq!(e.kind(), ErrorKind::PermissionDenied, "{e}");
                denied(TcpStream::connect(address).map(drop).unwrap_err());
                denied(TcpListener::bind("127.0.0.1:0").map(drop).unwrap_err());
                denied(UdpSocket::bind("127.0.0.1:0").map(drop).unwrap_err());
                denied(UnixStream::pair().map(drop).unwrap_err());
                denied(File::open("Cargo.toml").map(drop).unwrap_err());
                denied(File::create("never").map(drop).unwrap_err());
                denied(std::fs::remove_file("Cargo.toml").unwrap_err());
                assert!(Command::new("/bin/true").spawn().is_err());

                let mut text = String::new();
                open.read_to_string(&mut text).unwrap();
                assert!(text.contains("segue-encoder"));
                let sum =
                    thread::Builder::new().name("rung".into()).spawn(|| vec![1_u8; 8 << 20].len()).unwrap();
                assert_eq!(sum.join().unwrap(), 8 << 20);
            });
            confined.join().unwrap();
        }
    }
}

/// No filter for this kind of machine: limits and the process boundary are what is left.
#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
mod syscalls {
    pub(super) fn filter() -> std::io::Result<()> {
        Ok(())
    }
}
