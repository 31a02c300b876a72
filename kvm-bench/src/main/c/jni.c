/* The bare call as a library on JNI makes it: ioctl with the errno as a negative result. */
#include "baselines.h"

#include <jni.h>

JNIEXPORT jint JNICALL Java_io_github_kvm4j_bench_Jni_ioctl(JNIEnv *env, jclass type, jint fd, jlong request,
		jlong argument)
{
	int result = ioctl(fd, (unsigned long)request, argument);

	(void)env;
	(void)type;
	return result == -1 ? -errno : result;
}
