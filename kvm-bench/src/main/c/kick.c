/* The kick round trip: a guest on a thread of its own, kicked from the calling one until it has left KVM_RUN. */
#define _GNU_SOURCE
#include "baselines.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct runner {
	int vcpu;
	struct kvm_run *run;
	int process;
	atomic_int id;
	atomic_int pending;
	atomic_int stop;
	atomic_long interruptions;
	atomic_long failure;
};

static inline void relax(void)
{
#ifdef __x86_64__
	__builtin_ia32_pause();
#endif
}

static void on_kick(int signal)
{
	(void)signal;
}

static inline void set_immediate_exit(struct kvm_run *run, __u8 value)
{
	__atomic_store_n(&run->immediate_exit, value, __ATOMIC_SEQ_CST);
}

static void *run_until_stopped(void *argument)
{
	struct runner *runner = argument;

	runner->id = (int)syscall(SYS_gettid);
	while (!runner->stop) {
		if (ioctl(runner->vcpu, KVM_RUN, 0) != -1) {
			runner->failure = unexpected(runner->run);
			break;
		}
		if (errno != EINTR) {
			runner->failure = -errno;
			break;
		}
		set_immediate_exit(runner->run, 0);
		if (atomic_exchange(&runner->pending, 0))
			runner->interruptions++;
	}
	return NULL;
}

static void kick(struct runner *runner, int signal)
{
	runner->pending = 1;
	set_immediate_exit(runner->run, 1);
	syscall(SYS_tgkill, runner->process, runner->id, signal);
}

/* Kicks the guest, whenever it is seen to work: when it changes its counter. */
static void kick_again_and_again(struct runner *runner, int signal, const volatile uint8_t *counter, long count)
{
	for (long i = 0; i < count && !runner->failure; i++) {
		uint8_t counted = *counter;
		long before = runner->interruptions;

		while (*counter == counted && !runner->failure)
			relax();
		kick(runner, signal);
		while (runner->interruptions == before && !runner->failure)
			relax();
	}
}

/* The last real-time signal that nobody uses: kvm4j takes the first. */
static int free_signal(void)
{
	struct sigaction now;

	for (int signal = SIGRTMAX; signal >= SIGRTMIN; signal--)
		if (sigaction(signal, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
			return signal;
	return -1;
}

long baseline_kick(int vcpu, struct kvm_run *run, const volatile uint8_t *counter, long count)
{
	struct runner runner = {.vcpu = vcpu, .run = run, .process = getpid()};
	struct sigaction action = {.sa_handler = on_kick, .sa_flags = SA_RESTART}, old;
	int signal = free_signal();
	pthread_t thread;
	int error;

	if (signal == -1)
		return -EBUSY;
	if (sigaction(signal, &action, &old) == -1)
		return -errno;
	error = pthread_create(&thread, NULL, run_until_stopped, &runner);
	if (error == 0) {
		while (!runner.id)
			relax();
		kick_again_and_again(&runner, signal, counter, count);
		runner.stop = 1;
		set_immediate_exit(run, 1);
		pthread_kill(thread, signal);
		pthread_join(thread, NULL);
		set_immediate_exit(run, 0);
	}
	sigaction(signal, &old, NULL);
	return error ? -error : (long)runner.failure;
}
