/* Leaves a row in the assembly, behind @@: compiled with -S and never assembled. */
#define VALUE(kind, name)                                                                    \
    __asm__ volatile("\n@@ " kind "\t" #name "\t%0\t%1\t%2" ::"i"((long long)(name)),         \
                     "i"((long long)sizeof(name)), "i"((long long)((__typeof__(name))-1 < 0)))
#define ROW(text, a, b) __asm__ volatile("\n@@ " text "\t%0\t%1" ::"i"((long long)(a)), "i"((long long)(b)))
#define ROW3(text, a, b, c)                                                                  \
    __asm__ volatile("\n@@ " text "\t%0\t%1\t%2" ::"i"((long long)(a)), "i"((long long)(b)),  \
                     "i"((long long)(c)))
