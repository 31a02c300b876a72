/* Dirty tracking. */
#include "baselines.h"

/* Reads the dirty log of a slot, and nothing else, again and again. */
long baseline_dirty_log(int vm, int slot, void *bitmap, long count)
{
	struct kvm_dirty_log log = { .slot = slot, .dirty_bitmap = bitmap };

	for (long i = 0; i < count; i++) {
		if (ioctl(vm, KVM_GET_DIRTY_LOG, &log) == -1)
			return -errno;
	}
	return 0;
}
