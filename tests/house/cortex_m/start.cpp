// SPDX-License-Identifier: Apache-2.0
// What a Cortex-M4 does before the C library's own beginning: it takes the stack and the first instruction from here, and
// is allowed its floating-point unit.
extern "C" {

extern unsigned stack_top;
[[noreturn]] void _start();

[[gnu::naked, noreturn]] void reset() {
  asm volatile(
      "ldr r0, =0xe000ed88\n"  // CPACR: full access to coprocessors 10 and 11
      "ldr r1, [r0]\n"
      "orr r1, r1, #0xf00000\n"
      "str r1, [r0]\n"
      "dsb\n"
      "isb\n"
      "b _start\n");
}

[[gnu::section(".vectors"), gnu::used]] const void* const vectors[] = {&stack_top,
                                                                       reinterpret_cast<const void*>(&reset)};
}
