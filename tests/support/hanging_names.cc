// Preloaded into a server (LD_PRELOAD), lets name look-ups hang, as they do where a name server
// does not answer. Addresses need no look-up and are read as ever.

#include <dlfcn.h>
#include <netdb.h>
#include <unistd.h>

extern "C" int getaddrinfo(const char* node, const char* service, const addrinfo* hints,
                           addrinfo** result) {
  static const auto real =
      reinterpret_cast<decltype(&getaddrinfo)>(dlsym(RTLD_NEXT, "getaddrinfo"));
  addrinfo numeric{};
  if (hints != nullptr) numeric = *hints;
  numeric.ai_flags |= AI_NUMERICHOST;
  const int error = real(node, service, &numeric, result);
  if (error != EAI_NONAME) return error;
  for (;;) pause();
}
