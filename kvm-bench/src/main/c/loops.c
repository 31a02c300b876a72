/*
 * The loops that a C program would have around its ioctls: what the Java ones are held against. A call from Java does
 * thousands of operations, so that what is measured is C's own.
 */
#include "baselines.h"

#include <string.h>

/* One KVM_RUN after another, with a switch over the exits; returns the sum of what was written. */
long baseline_run_loop(int vcpu, struct kvm_run *run, int port, uint64_t device, long count)
{
	uint64_t sum = 0;

	for (long i = 0; i < count; i++) {
		if (ioctl(vcpu, KVM_RUN, 0) == -1)
			return -errno;
		switch (run->exit_reason) {
		case KVM_EXIT_IO:
			if (run->io.direction != KVM_EXIT_IO_OUT || run->io.port != port)
				return unexpected(run);
			sum += *((uint8_t *)run + run->io.data_offset);
			break;
		case KVM_EXIT_MMIO: {
			uint64_t data;

			if (!run->mmio.is_write || run->mmio.phys_addr != device)
				return unexpected(run);
			memcpy(&data, run->mmio.data, sizeof(data));
			sum += data & (~UINT64_C(0) >> (64 - 8 * run->mmio.len));
			break;
		}
		default:
			return unexpected(run);
		}
	}
	return sum & INT64_MAX;
}

/* A KVM_RUN that does not enter the guest, again and again. */
long baseline_immediate_exit(int vcpu, struct kvm_run *run, long count)
{
	volatile __u8 *immediate_exit = &run->immediate_exit;

	for (long i = 0; i < count; i++) {
		*immediate_exit = 1;
		if (ioctl(vcpu, KVM_RUN, 0) != -1)
			return unexpected(run);
		if (errno != EINTR)
			return -errno;
		*immediate_exit = 0;
	}
	return 0;
}

/* The ioctl for which the kernel does least. */
long baseline_bare_call(int system, long count)
{
	long sum = 0;

	for (long i = 0; i < count; i++) {
		int version = ioctl(system, KVM_GET_API_VERSION, 0);

		if (version == -1)
			return -errno;
		sum += version;
	}
	return sum;
}

/* The same from three functions further down: what the returns cost that come after a system call. */
#define NOINLINE __attribute__((noinline, noclone, optimize("no-optimize-sibling-calls")))

static NOINLINE int one_down(int system)
{
	return ioctl(system, KVM_GET_API_VERSION, 0);
}

static NOINLINE int two_down(int system)
{
	return one_down(system);
}

static NOINLINE int three_down(int system)
{
	return two_down(system);
}

long baseline_deep_call(int system, long count)
{
	long sum = 0;

	for (long i = 0; i < count; i++) {
		int version = three_down(system);

		if (version == -1)
			return -errno;
		sum += version;
	}
	return sum;
}

#ifdef __x86_64__
/* Reads the general registers; returns the sum of the instruction pointers. */
long baseline_get_regs(int vcpu, long count)
{
	struct kvm_regs regs;
	uint64_t sum = 0;

	for (long i = 0; i < count; i++) {
		if (ioctl(vcpu, KVM_GET_REGS, &regs) == -1)
			return -errno;
		sum += regs.rip;
	}
	return sum & INT64_MAX;
}

/* Writes them, with another RAX each time. */
long baseline_set_regs(int vcpu, long count)
{
	struct kvm_regs regs;

	if (ioctl(vcpu, KVM_GET_REGS, &regs) == -1)
		return -errno;
	for (long i = 0; i < count; i++) {
		regs.rax++;
		if (ioctl(vcpu, KVM_SET_REGS, &regs) == -1)
			return -errno;
	}
	return 0;
}
#endif

/* Does nothing: what a call of it costs in Java is what a call of anything costs. */
int baseline_nothing(int fd, unsigned long request, long argument)
{
	(void)fd;
	(void)request;
	return (int)argument;
}
