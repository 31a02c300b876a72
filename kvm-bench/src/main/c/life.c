/* The whole life of a VM: created, given memory and a vCPU, run until it halts, and closed. */
#define _GNU_SOURCE
#include "baselines.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef __x86_64__
/* Where the code is, and where the guest's memory starts. */
struct image {
	uint64_t entry;
	uint64_t memory_size;
	const void *code;
	uint64_t code_size;
};

static long run_until_halt(int vcpu, struct kvm_run *run, const struct image *image)
{
	struct kvm_sregs sregs;
	struct kvm_regs regs = {.rip = image->entry, .rflags = 2};

	if (ioctl(vcpu, KVM_GET_SREGS, &sregs) == -1)
		return -errno;
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	if (ioctl(vcpu, KVM_SET_SREGS, &sregs) == -1 || ioctl(vcpu, KVM_SET_REGS, &regs) == -1
			|| ioctl(vcpu, KVM_RUN, 0) == -1)
		return -errno;
	return run->exit_reason == KVM_EXIT_HLT ? 0 : unexpected(run);
}

static long live_with_vcpu(int vm, int size, const struct image *image)
{
	int vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	struct kvm_run *run;
	long result;

	if (vcpu == -1)
		return -errno;
	run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (run == MAP_FAILED) {
		result = -errno;
	} else {
		result = run_until_halt(vcpu, run, image);
		munmap(run, size);
	}
	close(vcpu);
	return result;
}

static long live(int system, int run_size, const struct image *image)
{
	int vm = ioctl(system, KVM_CREATE_VM, 0);
	void *memory;
	long result;

	if (vm == -1)
		return -errno;
	memory = mmap(NULL, image->memory_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED) {
		result = -errno;
		close(vm);
		return result;
	}
	memcpy(memory, image->code, image->code_size);
	struct kvm_userspace_memory_region region = {
		.guest_phys_addr = image->entry,
		.memory_size = image->memory_size,
		.userspace_addr = (uintptr_t)memory,
	};
	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region) == -1)
		result = -errno;
	else
		result = live_with_vcpu(vm, run_size, image);
	close(vm);
	munmap(memory, image->memory_size);
	return result;
}

long baseline_life(int system, uint64_t entry, uint64_t memory_size, const void *code, uint64_t code_size, long count)
{
	struct image image = {.entry = entry, .memory_size = memory_size, .code = code, .code_size = code_size};
	int run_size = ioctl(system, KVM_GET_VCPU_MMAP_SIZE, 0);
	long result = run_size == -1 ? -errno : 0;

	for (long i = 0; i < count && result == 0; i++)
		result = live(system, run_size, &image);
	return result;
}
#endif
