/*
 * The exit loop of a guest that writes a byte to a port, with the general registers read, or changed, at each exit: by
 * ioctl, or in the run page (KVM_CAP_SYNC_REGS). The byte is the guest's AL, which is how it is seen that all is well.
 */
#include "baselines.h"

#ifdef __x86_64__
static int is_port_write_of(const struct kvm_run *run, uint64_t rax)
{
	return run->exit_reason == KVM_EXIT_IO && run->io.direction == KVM_EXIT_IO_OUT
			&& *((const uint8_t *)run + run->io.data_offset) == (uint8_t)rax;
}

long baseline_registers_by_ioctl(int vcpu, struct kvm_run *run, _Bool change, long count)
{
	struct kvm_regs regs;
	uint64_t sum = 0;

	run->kvm_valid_regs = 0;
	for (long i = 0; i < count; i++) {
		if (ioctl(vcpu, KVM_RUN, 0) == -1 || ioctl(vcpu, KVM_GET_REGS, &regs) == -1)
			return -errno;
		if (!is_port_write_of(run, regs.rax))
			return unexpected(run);
		sum += regs.rax;
		if (change) {
			regs.rax++;
			if (ioctl(vcpu, KVM_SET_REGS, &regs) == -1)
				return -errno;
		}
	}
	return sum & INT64_MAX;
}

long baseline_registers_in_page(int vcpu, struct kvm_run *run, _Bool change, long count)
{
	struct kvm_regs *regs = &run->s.regs.regs;
	uint64_t sum = 0;

	run->kvm_valid_regs = KVM_SYNC_X86_REGS;
	for (long i = 0; i < count; i++) {
		if (ioctl(vcpu, KVM_RUN, 0) == -1)
			return -errno;
		if (!is_port_write_of(run, regs->rax))
			return unexpected(run);
		sum += regs->rax;
		if (change) {
			regs->rax++;
			run->kvm_dirty_regs = KVM_SYNC_X86_REGS;
		}
	}
	return sum & INT64_MAX;
}
#endif
